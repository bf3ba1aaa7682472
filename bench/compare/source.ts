/** The source that is cached: what it says can change, a load gets what it says when the load starts, and it can be down. */

interface Load {
  readonly number: number
  /** what the source said when this load started */
  readonly says: string
  settle(): void
}

export class Source {
  says = ''
  isDown = false
  calls = 0
  #inTheAir: Load[] = []

  /** Stays in the air until it is told to answer; fails at once while the source is down. */
  readonly load = (): Promise<string> => {
    const number = ++this.calls
    const { says } = this
    if (this.isDown) return Promise.reject(new Error('source down'))
    return new Promise((resolve) => this.#inTheAir.push({ number, says, settle: () => resolve(says) }))
  }

  get inTheAir(): number {
    return this.#inTheAir.length
  }

  answer(which: 'oldest' | 'newest'): Load | undefined {
    const load = which === 'newest' ? this.#inTheAir.pop() : this.#inTheAir.shift()
    load?.settle()
    return load
  }
}
