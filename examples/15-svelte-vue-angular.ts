/** One cache in three frameworks: a Svelte store, a Vue composable, and what Angular's toSignal takes. */
import { BackgroundCache, type Observed, type Snapshot } from 'evercurrent'
import { snapshots$, values$ } from 'evercurrent/rxjs'
import type { Observable } from 'rxjs'
import { get, type Readable } from 'svelte/store'
import { effectScope, onScopeDispose, type ShallowRef, shallowRef, watch } from 'vue'

/** Svelte calls `run` before `subscribe` returns, as `snapshots$` does and the cache's own `subscribe` does not. */
function toStore<V>(cache: Observed<V>): Readable<Snapshot<V>> {
  return {
    subscribe(run) {
      const subscription = snapshots$(cache).subscribe(run)
      return () => subscription.unsubscribe()
    },
  }
}

/** Vue: shallow, because values are shared and must not become reactive themselves. */
function useCache<V>(cache: Observed<V>): ShallowRef<Snapshot<V>> {
  const shown = shallowRef(cache.getSnapshot())
  const subscription = snapshots$(cache).subscribe((snapshot) => {
    shown.value = snapshot
  })
  onScopeDispose(() => subscription.unsubscribe())
  return shown
}

/** Angular has this in `@angular/core/rxjs-interop`; here it only takes the first value. */
function toSignal<T>(source: Observable<T>, _options: { readonly requireSync: true }): () => T {
  const seen: T[] = []
  source.subscribe((value) => seen.push(value)).unsubscribe()
  return () => seen[0] as T
}

const plan = new BackgroundCache({ ttl: '1m', fetch: async () => 'pro' })
await plan.get()

console.log(`svelte: ${get(toStore(plan)).value}`)

const scope = effectScope()
scope.run(() => {
  const shown = useCache(plan)
  watch(shown, ({ value }) => console.log(`vue: ${value}`), { flush: 'sync', immediate: true })
})
plan.set('free')
scope.stop()

console.log(`angular: ${toSignal(snapshots$(plan), { requireSync: true })().value}`)
console.log(`angular, only the value: ${toSignal(values$(plan), { requireSync: true })()}`)
console.log(`observers left: ${plan.inspect().observers}`)
