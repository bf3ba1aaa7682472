/** A consumer slower than the changes: it gets the newest value whenever it is ready, and nothing queues up for it. */
import { BackgroundCache } from 'evercurrent'
import { values$ } from 'evercurrent/rxjs'
import { manualClock } from 'evercurrent/testing'
import { concatMap, Subject, tap, throttle } from 'rxjs'

const clock = manualClock() // so that a minute takes no time here; leave the option out in your program
let version = 0
const config = new BackgroundCache({ ttl: '2s', refreshWindow: '1s', clock, fetch: async () => ++version })

/** Needs 3.3 s, and there is a new version every second. */
async function handle(who: string, value: number): Promise<void> {
  const behind = version - value
  console.log(`${String(clock.now() / 1000).padStart(4)} s  ${who} v${value}${behind ? `, ${behind} behind` : ''}`)
  await new Promise<void>((resolve) => clock.after(3_300, resolve))
}

// The loop asks for a value when it is ready for one, and what came between is gone.
async function loop(): Promise<void> {
  for await (const value of config.values()) await handle('loop: ', value)
}
const looping = loop()

// The same with RxJS: what comes while somebody is busy replaces what came before, and is handed over when idle.
// (exhaustMap would drop the newest, and switchMap would abandon the work that is under way.)
const idle = new Subject<void>()
const latest = values$(config).pipe(
  throttle(() => idle, { leading: true, trailing: true }),
  concatMap((value) => handle('rxjs: ', value)),
  tap(() => idle.next()),
)
const newest = latest.subscribe()

// What to avoid: without the throttle a queue grows, and each value handled is older than the one before.
let came = 0
let done = 0
const all = values$(config).pipe(
  tap(() => came++),
  concatMap((value) => handle('queue:', value).finally(() => done++)),
)
const queue = all.subscribe()

await clock.advance(12_500)
console.log(`12.5 s  the source was asked ${config.stats().fetches} times: slow consumers do not slow the cache`)
console.log(`12.5 s  ${came - done - 1} values wait in the queue; the other two get v${version} or newer next`)
newest.unsubscribe()
queue.unsubscribe()
config.dispose() // ends the loop
await clock.advance(3_300)
await looping
