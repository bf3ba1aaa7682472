/** One way at work: its readers, what is remembered of them, and the panel of devtools, until another way is chosen. */

import { Chronicle, mountDevtools } from 'evercurrent/devtools'
import { type Observable, tap } from 'rxjs'
import { span } from './card.ts'
import { evercurrentWay } from './evercurrent-way.ts'
import { noCacheWay, plainWay } from './other-ways.ts'
import { type Reading, readings$ } from './readers.ts'
import type { Tally } from './tally.ts'
import { nameOf, type Way } from './way.ts'

export const titles = { evercurrent: 'evercurrent', plain: 'a plain TTL cache', none: 'no cache' } as const
export type WayName = keyof typeof titles

const ways: Readonly<Record<WayName, () => Way>> = { evercurrent: evercurrentWay, plain: plainWay, none: noCacheWay }

export class Session {
  readonly name: WayName
  readonly way: Way
  readonly chronicle: Chronicle
  readonly #tally: Tally
  readonly #unmount: () => void
  readonly #stop: () => void

  constructor(name: WayName, tally: Tally, panel: Element) {
    this.name = name
    this.way = ways[name]()
    this.#tally = tally
    this.chronicle = new Chronicle(this.way.source, { span })
    this.#stop = this.way.source.on(({ kind }) => {
      if (kind === 'fetch-started') tally.fetches += 1
    })
    this.#unmount = mountDevtools(panel, { registry: this.way.source })
  }

  run(): Observable<Reading> {
    return readings$(this.way).pipe(
      tap(({ subject, read }) => {
        this.#tally.count(read)
        this.chronicle.read(nameOf(subject), read)
      }),
    )
  }

  unsubscribe(): void {
    this.#unmount()
    this.#stop()
    this.chronicle.stop()
    this.way.end()
  }
}
