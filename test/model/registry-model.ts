/** A registry as simple as it can be said: a map in the order of use, the fetches in the air, and who waits for them. */

export interface Answer {
  state: 'pending' | 'value' | 'error'
  value?: number
  error?: unknown
}

interface Flight {
  readonly key: string
  readonly startedAt: number
  readonly waiting: Answer[]
}

export const room = 2
export const ttl = 10_000
const goneFor = 5000

export function createModel() {
  let now = 0
  /** Least recently used first. A key that is fetched has no place in the order. */
  const held = new Map<string, { readonly value: number; readonly expiresAt: number }>()
  const owners = new Map<string, Flight>()
  /** all that are in the air, those that lost their key included */
  const air = new Set<Flight>()
  const gone = new Map<string, number>()
  /** whose last fetch brought nothing to keep: that is remembered */
  const troubled = new Set<string>()
  let evictions = 0

  const isBusy = (key: string) => [...air].some((flight) => flight.key === key)
  const use = (key: string) => {
    const value = held.get(key)
    held.delete(key)
    if (value) held.set(key, value)
  }
  /** Nothing happens to the key any more: it was used last, and what was not used for longest makes room. */
  const rest = (key: string) => {
    if (isBusy(key)) return
    use(key)
    for (const oldest of [...held.keys()]) {
      if (held.size <= room) return
      if (isBusy(oldest)) continue
      held.delete(oldest)
      troubled.delete(oldest)
      evictions++
    }
  }
  const isUsable = (key: string) => now < (held.get(key)?.expiresAt ?? -1)
  const forget = (key: string) => {
    gone.delete(key)
    troubled.delete(key)
  }
  const answer = (flight: Flight, outcome: Answer) => {
    air.delete(flight)
    for (const waiting of flight.waiting) if (waiting.state === 'pending') Object.assign(waiting, outcome)
  }

  return {
    now: () => now,
    pass: (ms: number) => {
      now += ms
    },
    rest,
    keys: () => [...held.keys()].sort(),
    evictions: () => evictions,
    /** Whether anything is remembered of it. */
    isKnown: (key: string) => held.has(key) || gone.has(key) || troubled.has(key) || isBusy(key),
    peek: (key: string) => (isUsable(key) ? held.get(key)?.value : undefined),
    /** The flight is there if this read starts it. */
    get(key: string): { readonly answer: Answer; readonly flight?: Flight } {
      const pending: Answer = { state: 'pending' }
      const owner = owners.get(key)
      if (isUsable(key)) {
        const value = held.get(key)?.value as number
        if (!isBusy(key)) use(key)
        return { answer: { state: 'value', value } }
      }
      if (owner) {
        owner.waiting.push(pending)
        return { answer: pending }
      }
      if (now < (gone.get(key) ?? 0)) return { answer: { state: 'error', error: 'GONE' } }
      const flight = { key, startedAt: now, waiting: [pending] }
      owners.set(key, flight)
      air.add(flight)
      return { answer: pending, flight }
    },
    set(key: string, value: number): void {
      owners.delete(key)
      forget(key)
      held.set(key, { value, expiresAt: now + ttl })
      for (const flight of [...air]) if (flight.key === key) answer(flight, { state: 'value', value })
      rest(key)
    },
    /** What is in the air answers those who wait for it, and nobody else. */
    invalidate(key: string): boolean {
      gone.delete(key)
      const [had, flew] = [held.delete(key), owners.delete(key)]
      rest(key)
      return had || flew
    },
    land(flight: Flight, outcome: { readonly value: number } | { readonly error: unknown }): void {
      if (!air.has(flight)) return
      const { key, startedAt } = flight
      const isOwner = owners.get(key) === flight
      if (isOwner) {
        owners.delete(key)
        forget(key)
        if ('error' in outcome || now >= startedAt + ttl) troubled.add(key)
      }
      if ('error' in outcome) {
        if (isOwner && outcome.error === 'GONE') {
          held.delete(key)
          troubled.delete(key)
          gone.set(key, now + goneFor)
        }
        answer(flight, { state: 'error', error: outcome.error })
      } else {
        const expiresAt = startedAt + ttl
        if (isOwner && now < expiresAt) held.set(key, { value: outcome.value, expiresAt })
        answer(flight, { state: 'value', value: outcome.value })
      }
      rest(key)
    },
  }
}

export type Model = ReturnType<typeof createModel>
export type { Flight }
