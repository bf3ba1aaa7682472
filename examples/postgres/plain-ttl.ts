/** What most people write, at its best: misses share one call, a failure is not kept, age counts from the call. */

export interface PlainEntry<V> {
  readonly answer: Promise<V>
  readonly askedAt: number
  readonly expiresAt: number
}

export class PlainTtl<V> {
  readonly #entries = new Map<string, PlainEntry<V>>()
  readonly #ttl: (key: string) => number
  readonly #ask: (key: string) => Promise<V>

  constructor(ttl: (key: string) => number, ask: (key: string) => Promise<V>) {
    this.#ttl = ttl
    this.#ask = ask
  }

  /** What is kept of this key: its times are those of performance.now(). */
  peek(key: string): PlainEntry<V> | undefined {
    return this.#entries.get(key)
  }

  get(key: string): Promise<V> {
    const held = this.#entries.get(key)
    if (held && performance.now() < held.expiresAt) return held.answer
    return this.#keep(key, this.#ask(key))
  }

  set(key: string, value: V): void {
    this.#keep(key, Promise.resolve(value))
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  #keep(key: string, answer: Promise<V>): Promise<V> {
    const askedAt = performance.now()
    const entry = { answer, askedAt, expiresAt: askedAt + this.#ttl(key) }
    this.#entries.set(key, entry)
    answer.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
    })
    return answer
  }
}

/** What evercurrent's fetchTimeout does, for those who have none. */
export function within<V>(ms: number, work: (signal: AbortSignal) => Promise<V>): Promise<V> {
  const signal = AbortSignal.timeout(ms)
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    work(signal).then(resolve, reject)
  })
}
