/** A client made of two cached values, and made anew only when one of them has really changed. No loop polls for it. */
import { BackgroundCache } from 'evercurrent'
import { values$ } from 'evercurrent/rxjs'
import { manualClock } from 'evercurrent/testing'
import { combineLatest, concat, finalize, firstValueFrom, NEVER, of, shareReplay, switchMap } from 'rxjs'

const clock = manualClock() // so that a minute takes no time here; leave the option out in your program
let columns = ['id']
const secret = 'token-1'

const schema = new BackgroundCache({
  ttl: '20s',
  refreshWindow: '10s',
  clock,
  fetch: async () => [...columns], // a new array each time …
  equals: (next, held) => next.join() === held.join(), // … which is no news while it says the same
})
const token = new BackgroundCache({ ttl: '60s', refreshWindow: '30s', clock, fetch: async () => secret })

/** Stands for a client that holds connections and so has to be closed. */
function openClient(columns: readonly string[], secret: string) {
  const name = `client(${columns}; ${secret})`
  console.log(`  open  ${name}`)
  return { query: () => `answered by ${name}`, close: () => console.log(`  close ${name}`) }
}

const client$ = combineLatest([values$(schema), values$(token)]).pipe(
  // A client lives as long as its observable; switchMap ends the one before.
  switchMap(([columns, secret]) => {
    const client = openClient(columns, secret)
    return concat(of(client), NEVER).pipe(finalize(() => client.close()))
  }),
  shareReplay({ bufferSize: 1, refCount: true }), // one client for all, closed when the last of them leaves
)
const read = async () => console.log(`  ${(await firstValueFrom(client$)).query()}`)

console.log('somebody follows the client: both values are fetched, and kept current from here on')
const following = client$.subscribe()
await clock.advance(0)
await Promise.all([read(), read()])

await clock.advance(25_000)
console.log(`25 s: the schema was fetched ${schema.stats().fetches} times and said the same: the client stays`)
await read()
columns = ['id', 'shipped_at']
console.log('30 s: the next refresh finds a new column; a reader gets the new client')
await clock.advance(10_000)
await read()
console.log('35 s: somebody brings a new token')
token.set('token-2')
await read()

console.log('nobody follows it any more')
following.unsubscribe()
const { fetches } = schema.stats()
await clock.advance(3_600_000)
console.log(`an hour later: ${schema.stats().fetches - fetches} more fetches`)
