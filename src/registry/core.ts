/** What a registry and the views of its namespaces share: its store, its types, and where the values of each are. */

import type { KeyedView } from './keyed-view.ts'
import type { Kind } from './kind.ts'
import type { RegistryOptions } from './options.ts'
import type { Shelf } from './shelf.ts'
import { type Budget, createStore, type Store } from './store.ts'

/** What is in a place stays; the view of it is made anew once nobody holds it. */
export interface Place<K, V> {
  readonly shelf: Shelf<K, V>
  readonly view: WeakRef<KeyedView<K, V>>
}

/** Places that are empty and that nobody holds are looked for only when there are many. */
export const leastSweep = 256

export interface Core {
  readonly store: Store
  readonly kinds: Map<string, { readonly kind: Kind<never, never>; readonly options: object }>
  /** by namespace and type */
  readonly places: Map<string, Place<never, never>>
  sweepAt: number
}

export function openCore(checked: RegistryOptions): Core {
  const store = createStore(checked, checked as Budget)
  const places: Core['places'] = new Map()
  const core: Core = { store, kinds: new Map(), places, sweepAt: leastSweep }
  // Whoever tells of other processes must not keep a registry that everybody has forgotten.
  const alive = new WeakRef(core)
  store.tier?.follow((message) => {
    const { store, places } = alive.deref() ?? {}
    store?.newsroom.during(() => {
      for (const { shelf } of places?.values() ?? []) {
        if (message === 'lost-messages') shelf.stored?.recheck()
        else shelf.stored?.announced(message)
      }
    })
  })
  return core
}
