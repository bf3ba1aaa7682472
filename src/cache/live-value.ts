/** How the parts of one live value hang together: its cell, and who reads it, writes it and keeps it fresh. */

import type { Flight } from '../fetch/flight.ts'
import type { Verdict } from '../fetch/verdict.ts'
import { type Inspection, inspect } from '../state/snapshot.ts'
import type { State } from '../state/state.ts'
import { createCell } from './cell.ts'
import { createKeeper } from './keeper.ts'
import { createReader } from './reader.ts'
import type { Setting } from './setting.ts'
import { createWriter } from './writer.ts'

/** What a registry does about one of its values; a cache of one value needs nothing done. */
export interface Residence<V> {
  /** Called after every change, before anybody is told. */
  replaced(state: State<V, Flight<V>>): void
  /** Called when a fetch that owns the slot has brought its verdict, before anybody is told. */
  landed?(flight: Flight<V>, verdict: Verdict<V>): void
  /** Called when a fetch has lost the slot, and when it has answered everybody. */
  over?(flight: Flight<V>): void
  /** Called when nothing more comes of a change, or of a fetch. */
  settled(): void
}

export type LiveValue<V> = ReturnType<typeof createLiveValue<V>>

export function createLiveValue<V>(setting: Setting<V>, residence?: Residence<V>) {
  const cell = createCell<V>(setting, {
    replaced(state) {
      reader.update(state)
      residence?.replaced(state)
    },
    settled() {
      keeper.tend()
      residence?.settled()
    },
    landed: residence?.landed,
    lost: residence?.over,
    over(flight) {
      residence?.over?.(flight)
      residence?.settled()
    },
  })
  const reader = createReader(setting, cell)
  const keeper = createKeeper(setting, cell)
  reader.update(setting.initial)
  return { setting, cell, reader, keeper, writer: createWriter(setting, cell) }
}

export function inspectLive<V>({ setting, cell }: LiveValue<V>): Inspection {
  const { now, toEpoch } = setting.timeline
  const counts = { generation: cell.generation(), waiting: cell.waiting(), observers: cell.observers.count() }
  return inspect(cell.state(), now(), toEpoch, counts)
}
