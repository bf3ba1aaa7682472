/** One listener for each thing that is listened to, however many ask for it: heard twice would be counted twice. */

export type Holds<T extends object> = WeakMap<T, { count: number; readonly end: () => void }>

/** Begins, unless somebody has. Returns what lets go of it; whoever lets go last ends it. */
export function holdOnce<T extends object>(holds: Holds<T>, thing: T, begin: () => () => void): () => void {
  const hold = holds.get(thing) ?? { count: 0, end: begin() }
  holds.set(thing, hold)
  hold.count++
  let held = true
  return () => {
    if (!held) return
    held = false
    if (--hold.count) return
    holds.delete(thing)
    hold.end()
  }
}
