/** What stands in for IndexedDB where a page has none: the same in the memory of the page, for all its registries. */

import type { Lookup, Stored } from './backend.ts'
import type { If } from './browser-store.ts'

/** It forgets no change of a key, so a generation is simply the last one. */
export function pageMemory() {
  const held = new Map<string, Omit<Stored, 'generation'>>()
  const changes = new Map<string, number>()
  const dropped = new Map<string, number>()
  let steps = 0

  const generationOf = (key: string) => {
    let last = changes.get(key) ?? 0
    for (const [prefix, at] of dropped) if (key.startsWith(prefix)) last = Math.max(last, at)
    return `page.${last}`
  }
  const moveOn = (key: string) => {
    changes.set(key, ++steps)
    return generationOf(key)
  }
  const isLate = (key: string, ifGeneration: string | undefined) =>
    ifGeneration !== undefined && ifGeneration !== generationOf(key)

  const look = (key: string): Lookup => {
    const generation = generationOf(key)
    const value = held.get(key)
    if (value && value.keepUntil > Date.now())
      return { generation, stored: { ...value, generation, bytes: value.bytes.slice() } }
    held.delete(key)
    return { generation, stored: undefined }
  }

  return {
    getMany: (keys: readonly string[]) => keys.map(look),
    set(key: string, stored: Omit<Stored, 'generation'>, { ifGeneration }: If) {
      if (isLate(key, ifGeneration)) return undefined
      held.set(key, { ...stored, bytes: new Uint8Array(stored.bytes) })
      return moveOn(key)
    },
    delete(key: string, { ifGeneration }: If) {
      if (isLate(key, ifGeneration)) return { generation: generationOf(key), existed: false }
      const existed = held.delete(key)
      return { generation: moveOn(key), existed }
    },
    deletePrefix(prefix: string) {
      const meant = [...held.keys()].filter((key) => key.startsWith(prefix))
      for (const key of meant) held.delete(key)
      dropped.set(prefix, ++steps)
      return meant.length
    },
  }
}
