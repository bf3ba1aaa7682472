/** Values on their way to the tier by `set()`, and what becomes of their keys before it has answered. */

/** One that is dropped meanwhile does not get into memory; one that is outdated is looked for in the tier again. */
interface Passage {
  readonly key: string
  dropped?: true
  outdated?: true
}

export class UnderWay {
  readonly #passages = new Set<Passage>()

  isEmpty(): boolean {
    return !this.#passages.size
  }

  async during<T>(key: string, call: (passage: Passage) => Promise<T>): Promise<T> {
    const passage: Passage = { key }
    this.#passages.add(passage)
    try {
      return await call(passage)
    } finally {
      this.#passages.delete(passage)
    }
  }

  /** They are invalidated before they have arrived. */
  drop(isMeant: (key: string) => boolean): void {
    for (const each of this.#passages) if (isMeant(each.key)) each.dropped = true
  }

  /** Others may have replaced them by the time this process hears that they have arrived. */
  outdate(isMeant: (key: string) => boolean): void {
    for (const each of this.#passages) if (isMeant(each.key)) each.outdated = true
  }
}
