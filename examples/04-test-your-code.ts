/** A test of code that uses a cache: time moves when told to, and fetches settle when told to. */
import assert from 'node:assert/strict'
import { BackgroundCache, type Fetch, type Surroundings } from 'evercurrent'
import { controlledFetch, manualClock } from 'evercurrent/testing'

/** The code under test. What a test replaces comes in from outside. */
function priceTag(fetch: Fetch<number>, surroundings: Surroundings = {}) {
  const price = new BackgroundCache({ ttl: '30s', refreshWindow: '5s', fetch, ...surroundings })
  return async () => `${await price.get()} EUR`
}

const clock = manualClock()
const fetch = controlledFetch<number>()
const label = priceTag(fetch, { clock })

// Two readers at once share one fetch.
const both = Promise.all([label(), label()])
assert.equal(fetch.calls, 1)
await fetch.resolve(7)
assert.deepEqual(await both, ['7 EUR', '7 EUR'])
console.log('two readers, one fetch')

// In the window a reader does not wait, although the fetch has not settled.
await clock.advance(25_000)
assert.equal(await label(), '7 EUR')
assert.equal(fetch.pending, 1)
console.log('served at once, refreshed behind')

// The source is down: readers do not notice while the value lives.
await fetch.reject(new Error('down'))
assert.equal(await label(), '7 EUR')
console.log('a failed refresh is no reader’s problem')

// Once it has expired they do, and get the error of the fetch itself.
await clock.advance(5_000)
const late = label()
await fetch.reject(new Error('still down'))
await assert.rejects(late, { message: 'still down' })
console.log('an expired value is not served')
