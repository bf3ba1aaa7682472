/** Until a change of the source has reached the readers, and how long that took. */

import type { Reading } from './readers.ts'

interface Watch {
  readonly what: string
  readonly since: number
  readonly shows: (reading: Reading) => boolean
}

export class Watches {
  readonly #open = new Set<Watch>()

  add(what: string, shows: (reading: Reading) => boolean): void {
    this.#open.add({ what, since: performance.now(), shows })
  }

  /** What this reading is the first to show, in words. */
  look(reading: Reading): string[] {
    const seen = [...this.#open].filter(({ shows }) => reading.value !== undefined && shows(reading))
    for (const watch of seen) this.#open.delete(watch)
    return seen.map(({ what, since }) => `${what} reached the readers after ${inSeconds(performance.now() - since)}`)
  }
}

const inSeconds = (ms: number) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)
