/** Bugs to plant in a copy of `src`, each of which the explorers must find: what proves that they look. */
import { plantedInClass } from './planted-in-class.ts'
import { plantedInRegistry } from './planted-in-registry.ts'
import { plantedInState } from './planted-in-state.ts'
import { plantedInTiers } from './planted-in-tiers.ts'

export interface PlantedBug {
  readonly name: string
  /** below `src` */
  readonly file: string
  /** found exactly once in it */
  readonly search: string
  readonly replacement: string
  readonly law: string
  /** what goes wrong, for whom */
  readonly harm: string
  /** hunted by the explorer of a registry, and not by those of one value */
  readonly severalKeys?: boolean
  /** hunted by the model of registries on one store, and by no explorer */
  readonly severalRegistries?: boolean
  /** in the short form too */
  readonly short?: boolean
}

export const plantedBugs: readonly PlantedBug[] = [
  ...plantedInState,
  ...plantedInClass,
  ...plantedInRegistry,
  ...plantedInTiers,
]
