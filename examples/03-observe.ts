/** One cache watched three ways: as snapshots, as an async iterable, and with RxJS. */
import { BackgroundCache } from 'evercurrent'
import { values$ } from 'evercurrent/rxjs'
import { manualClock } from 'evercurrent/testing'
import { map } from 'rxjs'

const clock = manualClock() // so that a minute takes no time here; leave the option out in your program
let version = 0
const config = new BackgroundCache({
  ttl: '30s',
  refreshWindow: '5s',
  clock,
  fetch: () => {
    if (++version === 2) throw new Error('down')
    return `v${version}`
  },
})

// subscribe() only observes: nothing is fetched for it. It is told about failures too.
config.subscribe(({ status, value, failure }) => {
  console.log(`snapshot: ${status} ${value ?? '-'}${failure ? ', a fetch failed' : ''}`)
})

// values$ and values() keep the cache fresh while somebody follows them. Failures are no news to them.
const upper$ = values$(config).pipe(map((value) => value.toUpperCase()))
const subscription = upper$.subscribe((value) => console.log(`rxjs: ${value}`))

async function follow(): Promise<void> {
  for await (const value of config.values()) {
    console.log(`loop: ${value}`)
    if (value === 'v3') return // leaving the loop lets go of the cache
  }
}
const following = follow()

await clock.advance(10_000)
console.log('-- the window opens at 25 s; the fetch fails, and is tried again after its cool-down')
await clock.advance(20_000)
await following
subscription.unsubscribe()
console.log('-- nobody follows any more: nothing is fetched')
await clock.advance(60_000)
config.dispose()
