/** In which order the writes of one process reach a tier: those of a key one after another, in the order of the calls. */

interface Sweep {
  readonly prefix: string
  readonly done: Promise<unknown>
}

export class Lines {
  /** the last write of every key that has one under way */
  readonly #last = new Map<string, Promise<unknown>>()
  /** writes of all keys with a prefix */
  readonly #sweeps = new Set<Sweep>()

  /** Calls at once if nothing is under way, else behind it. */
  write<T>(key: string, call: () => Promise<T>): Promise<T> {
    const before = this.pending(key)
    const done = before ? before.then(call) : call()
    const settled: Promise<unknown> = done
      .catch(() => {})
      .finally(() => this.#last.get(key) === settled && this.#last.delete(key))
    this.#last.set(key, settled)
    return done
  }

  sweep<T>(prefix: string, call: () => Promise<T>): Promise<T> {
    const before = [...[...this.#sweeps].map(({ done }) => done)]
    for (const [key, last] of this.#last) if (key.startsWith(prefix)) before.push(last)
    const done = before.length ? Promise.all(before).then(call) : call()
    const sweep: Sweep = { prefix, done: done.catch(() => {}).finally(() => this.#sweeps.delete(sweep)) }
    this.#sweeps.add(sweep)
    return done
  }

  /** Resolves, whatever happens, once nothing that concerns the key is under way; `undefined`: nothing is. */
  pending(key: string): Promise<unknown> | undefined {
    const last = this.#last.get(key)
    const before = last ? [last] : []
    for (const { prefix, done } of this.#sweeps) if (key.startsWith(prefix)) before.push(done)
    return before.length ? Promise.all(before) : undefined
  }

  /** Everything that is under way. */
  all(): Promise<unknown> {
    return Promise.all([...this.#last.values(), ...[...this.#sweeps].map(({ done }) => done)])
  }
}
