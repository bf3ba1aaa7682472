/** A restart while the source is down: the values are in a storage tier, and the next process goes on with them. */
import { CacheRegistry } from 'evercurrent'
import { memoryBackend } from 'evercurrent/backend/memory'
import { jsonCodec } from 'evercurrent/codec'
import { manualClock } from 'evercurrent/testing'

const clock = manualClock()
const backend = memoryBackend() // in earnest: one that outlives the process, such as sqliteBackend()
let version = 1
let isDown = false

/** What a program does when it starts. Two of them on one backend are to each other as two processes. */
function startProgram(named: string) {
  const registry = new CacheRegistry({ backend, clock })
  const flags = registry.define({
    type: 'flags',
    ttl: '30s',
    staleIfError: '10m',
    codec: jsonCodec<{ version: number }>(),
    fetch: async (user: string) => {
      console.log(`  source: ${isDown ? 'down' : `the flags of ${user}, version ${version}`}`)
      if (isDown) throw new Error('HTTP 503')
      return { version }
    },
  })
  const read = async (user: string) => {
    const { value, stale } = await flags.read(user)
    console.log(`${named}: version ${value.version}${stale ? ', stale' : ''}`)
  }
  return { registry, flags, read }
}

const first = startProgram('first')
await first.read('ann')
await first.registry.dispose() // waits until the tier has it

console.log('-- 10 s later: the source is down, and a second program starts')
isDown = true
await clock.advance(10_000)
const second = startProgram('second')
await second.read('ann')
console.log(`${second.registry.stats().backendHits} read from the tier, ${second.registry.stats().fetches} fetches`)
await second.registry.dispose()

console.log('-- a minute later: a third one, and what is stored has expired')
await clock.advance(60_000)
const third = startProgram('third')
await third.read('ann')
await third.read('ann')

console.log('-- the source is back, and the cool-down is over')
isDown = false
version = 2
await clock.advance(5_000)
await third.read('ann') // served as stale, refreshed behind
await clock.advance(0)
await third.read('ann')
await third.registry.dispose()
