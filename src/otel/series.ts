/** Numbers by their attributes: what several sources say under the same ones becomes one number. */

import type { Attributes, Observing } from './meter.ts'

export class Series {
  readonly #points = new Map<string, { value: number; readonly attributes: Attributes }>()

  add(value: number, attributes: Attributes): void {
    this.#at(attributes, 0).value += value
  }

  /** Keeps the larger one. */
  raise(value: number, attributes: Attributes): void {
    const point = this.#at(attributes, value)
    point.value = Math.max(point.value, value)
  }

  /** A series that was told of once is told of ever after: exporters repeat the last number of one that is left out. */
  zero(): this {
    for (const point of this.#points.values()) point.value = 0
    return this
  }

  observe(result: Observing): void {
    for (const { value, attributes } of this.#points.values()) result.observe(value, attributes)
  }

  #at(attributes: Attributes, initial: number) {
    const id = JSON.stringify(Object.entries(attributes).sort())
    const point = this.#points.get(id) ?? { value: initial, attributes }
    this.#points.set(id, point)
    return point
  }
}
