/** A handle that does not keep the registry: once that is gone, it caches nothing and says so. */

import { createLiveValue } from '../cache/live-value.ts'
import type { ReadOptions } from '../cache/observed.ts'
import { openHousehold } from '../cache/setting.ts'
import { newTally } from '../cache/stats.ts'
import type { Fetch } from '../fetch/fetch.ts'
import { handled } from '../fetch/waiting-room.ts'
import { refuse } from '../policy/options.ts'
import { empty } from '../state/state.ts'
import type { Clock } from '../time/clock.ts'
import type { KeyedFetch, WeakKeyedCache } from './keyed.ts'
import type { KeyedView } from './keyed-view.ts'
import type { Kind } from './kind.ts'
import type { Store } from './store.ts'

/** The registry keeps the view for as long as it lives itself and somebody has the handle. */
export function weakHandle<K, V>(of: KeyedView<K, V>, kind: Kind<K, V>, registry: Store): WeakKeyedCache<K, V> {
  const view = new WeakRef(of)
  const store = new WeakRef(registry)
  const alive = () => (store.deref()?.isDisposed === false ? view.deref() : undefined)
  // Not its fetch: that may hold whatever it closes over, the registry among it.
  const { type, policy, schema, waitUntil } = kind
  return registry.keepWith(handleOf(alive, { type, policy, schema, waitUntil }, registry.clock), of)
}

function handleOf<K, V>(
  alive: () => KeyedView<K, V> | undefined,
  { type, ...rules }: Pick<Kind<K, V>, 'type' | 'policy' | 'schema' | 'waitUntil'>,
  clock: Clock,
): WeakKeyedCache<K, V> {
  const named = ` of ${type}`
  const set = async (key: K, value: V) => {
    const view = alive()
    await view?.set(key, value)
    return !!view
  }
  const get = async (key: K, options?: ReadOptions & { readonly fetch?: KeyedFetch<K, V> }) => {
    const view = alive()
    if (view) return view.get(key, options)
    const given = options?.fetch ?? refuse('get()', 'a fetch, since the registry is gone', options)
    const fetch: Fetch<V> = (context) => given(key, context, undefined)
    // A value for this one read: it keeps every promise about a fetch, and is then forgotten.
    const once = { ...openHousehold({ clock }), tally: newTally(), ...rules, named, initial: empty, fetch: undefined }
    return createLiveValue<V>(once).reader.get({ ...options, fetch })
  }
  return {
    find: async (key) => alive()?.find(key),
    set: (key, value) => handled(set(key, value)),
    get: (key, options) => handled(get(key, options)),
  }
}
