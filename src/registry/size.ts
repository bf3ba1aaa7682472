/** About how much memory a value takes, where its type does not say. */

/** Beyond so many objects and strings the rest is taken to be as large, on average, as what was seen. */
const mostVisits = 1000

/**
 * An estimate in bytes: 2 per character of a string, 8 per number, 16 per object, array, `Map` or `Set` and 8 for each
 * of its slots, the length of binary data. What is reachable twice counts once.
 */
export function estimateBytes(value: unknown): number {
  const found = new Set<unknown>([value])
  let bytes = 0
  let visits = 0
  for (const item of found) {
    if (visits++ === mostVisits) return Math.round((bytes / mostVisits) * found.size)
    if (typeof item === 'string') bytes += 2 * item.length
    else if (typeof item !== 'object' || item === null) bytes += 8
    else if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) bytes += 16 + item.byteLength
    else {
      const parts = partsOf(item)
      bytes += 16 + 8 * parts.length
      for (const part of parts) {
        // Small things are counted each time, or ten equal numbers would weigh as one.
        if (Object(part) === part || typeof part === 'string') found.add(part)
      }
    }
  }
  return bytes
}

/** What is in its slots. Reading an accessor would run the user's code. */
function partsOf(item: object): readonly unknown[] {
  if (item instanceof Map) return [...item].flat()
  if (item instanceof Set || Array.isArray(item)) return [...item]
  return Object.values(Object.getOwnPropertyDescriptors(item)).map(({ value }) => value)
}
