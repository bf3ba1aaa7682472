/** Caches in streams: with the operators, through the interop point, and as async iterables. */
import { BackgroundCache, type CacheEvent, CacheRegistry, type Snapshot } from 'evercurrent'
import { events$, snapshots$, values$ } from 'evercurrent/rxjs'
import { combineLatest, from, map, type Observable } from 'rxjs'

const config = new BackgroundCache({ ttl: '1m', fetch: async () => ({ plan: 'pro' }) })
const names = new BackgroundCache({ ttl: '1m', fetch: async () => ['x', 'y'] })

export const view$: Observable<string> = combineLatest([values$(config), values$(names)]).pipe(
  map(([{ plan }, list]) => plan + list.join()),
)
export const state$ = combineLatest({ config: snapshots$(config), names: snapshots$(names) }).pipe(
  map(({ config, names }) => config.failure?.error ?? names.value?.length),
)
export const snapshot$: Observable<Snapshot<string[]>> = snapshots$(names)
export const event$: Observable<CacheEvent> = events$(config)
events$(config).subscribe((event) => {
  if (event.kind === 'fetch-failed') console.log(event.error, event.nextAttemptAt)
  // @ts-expect-error only a failed fetch has an error: ask for the kind first
  console.log(event.error)
})

const registry = new CacheRegistry()
const plans = registry.define({ type: 'plan', ttl: '1m', fetch: async (tenant: string) => `${tenant}: pro` })
export const everyEvent$: Observable<CacheEvent> = events$(registry)
export const ofOneKey$: Observable<CacheEvent> = events$(plans.entry('acme'))
// @ts-expect-error a type of values has no events of its own: those of the registry name their type
events$(plans)

export const interop$: Observable<{ plan: string }> = from(config)
// @ts-expect-error an observable of this value and no other
export const wrong$: Observable<string> = from(config)

export async function follow(): Promise<void> {
  for await (const { plan } of config.values()) {
    const known: string = plan
    if (known === 'free') break
  }
  // @ts-expect-error the cache is not iterable itself: values() says that it keeps fresh meanwhile
  for await (const value of config) console.log(value)
}
