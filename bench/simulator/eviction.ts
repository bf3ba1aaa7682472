/** Which keys stay in a bounded cache: LRU, SIEVE and S3-FIFO as their papers have them, and the registry's own order. */

/** Says whether the key was there, and admits it if not. */
export type Eviction = (key: number) => boolean

export const lru = (room: number): Eviction => {
  const held = new Set<number>()
  return (key) => {
    const isHit = held.delete(key)
    held.add(key)
    if (held.size > room) held.delete(held.values().next().value as number)
    return isHit
  }
}

/** SIEVE: a hand walks from old to young, spares what was asked for since it last came by, and takes the first that was not. */
export const sieve = (room: number): Eviction => {
  // A set keeps the order of arrival, which SIEVE never changes.
  const visited = new Map<number, boolean>()
  let hand = visited.entries()
  const evict = () => {
    for (;;) {
      const { done, value } = hand.next()
      if (done) hand = visited.entries()
      else if (value[1]) visited.set(value[0], false)
      else return visited.delete(value[0])
    }
  }
  return (key) => {
    const isHit = visited.has(key)
    if (!isHit && visited.size >= room) evict()
    visited.set(key, isHit)
    return isHit
  }
}

/** S3-FIFO: a tenth of the room on trial, the rest for what was asked for again, and a memory of what failed its trial. */
export const s3fifo = (room: number): Eviction => {
  const onTrial = new Map<number, number>()
  const kept = new Map<number, number>()
  const remembered = new Set<number>()
  const trialRoom = Math.max(1, Math.floor(room / 10))
  const oldest = (queue: Map<number, number>) => queue.entries().next().value as [number, number]
  const evictKept = () => {
    for (;;) {
      const [key, uses] = oldest(kept)
      kept.delete(key)
      if (!uses) return
      kept.set(key, uses - 1)
    }
  }
  const evictOnTrial = () => {
    const [key, uses] = oldest(onTrial)
    onTrial.delete(key)
    if (uses > 1) {
      kept.set(key, 0)
      if (kept.size > room - trialRoom) evictKept()
      return
    }
    remembered.add(key)
    if (remembered.size > room - trialRoom) remembered.delete(remembered.values().next().value as number)
  }
  return (key) => {
    const queue = kept.has(key) ? kept : onTrial
    const uses = queue.get(key)
    if (uses !== undefined) {
      queue.set(key, Math.min(3, uses + 1))
      return true
    }
    while (onTrial.size + kept.size >= room) {
      if (onTrial.size >= trialRoom || !kept.size) evictOnTrial()
      else evictKept()
    }
    if (remembered.delete(key)) kept.set(key, 0)
    else onTrial.set(key, 0)
    return false
  }
}

export const evictions = { LRU: lru, SIEVE: sieve, 'S3-FIFO': s3fifo } as const
