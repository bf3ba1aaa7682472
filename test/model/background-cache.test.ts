/** Random histories under random policies, against the oracle of the explorers and against a source that only counts. */
import { BackgroundCache } from 'evercurrent'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { createDuo, promisesSettle, wallStart } from '../explore/duo.ts'
import { stepClock } from '../explore/step-clock.ts'
import { unhandledDuring } from '../support/unhandled.ts'
import { anyRules } from './any-rules.ts'
import { anyCommands } from './commands.ts'

/** More of them: `MODEL_RUNS=100000 npx vitest run test/model`. A failure prints its seed. */
const numRuns = Number(process.env['MODEL_RUNS'] ?? 2000)
const timeout = 30_000 + numRuns * 30

it(
  'BackgroundCache shows every caller and observer what the laws say, under any policy',
  async () => {
    const property = fc.asyncProperty(anyRules, fc.boolean(), anyCommands, async (rules, meddling, commands) => {
      const duo = createDuo(rules, meddling)
      await fc.asyncModelRun(() => ({ model: duo.expected, real: duo }), commands)
      duo.dispose()
      await promisesSettle()
      duo.check()
    })
    const unhandled = await unhandledDuring(() => fc.assert(property, { numRuns }))
    expect(unhandled).toEqual([])
  },
  timeout,
)

type Action = 'get' | 'refresh' | 'write' | 'write and set' | 'write, untold' | 'expire' | 'fail' | 'mend' | 'a while'

const actions = fc.array(
  fc.constantFrom<Action>(
    'get',
    'get',
    'get',
    'refresh',
    'write',
    'write and set',
    'write, untold',
    'expire',
    'fail',
    'mend',
    'a while',
  ),
  { minLength: 1, maxLength: 30, size: 'max' },
)

/** The source counts its writes, so a value tells how old it is, and nothing else has to be known of the cache. */
it(
  'BackgroundCache never shows a write undone, in whatever order fetches settle (L6 L7 L8 L9)',
  async () => {
    const property = fc.asyncProperty(fc.scheduler(), actions, async (scheduler, schedule) => {
      const clock = stepClock(0, wallStart)
      let version = 1
      let broken = false
      /** what the cache was told of last */
      let told = 0
      const fetch = async () => {
        const [read, failed] = [version, broken]
        await scheduler.schedule(Promise.resolve(), 'the source answers')
        if (failed) throw new Error('the source is down')
        return read
      }
      const cache = new BackgroundCache({ ttl: 10_000, refreshWindow: 4000, staleIfError: 5000, clock, fetch })
      const shown: number[] = []
      cache.subscribe(({ value }) => {
        if (value !== undefined) shown.push(value)
      })
      const callers: Promise<unknown>[] = []
      const ask = (call: Promise<number>, least: number) => {
        const answer = call.then(
          (value) => expect(value).toBeGreaterThanOrEqual(least),
          (error: Error) => expect(error.message).toBe('the source is down'),
        )
        callers.push(answer)
      }
      const act: Record<Action, () => void> = {
        get: () => ask(cache.get(), told),
        refresh: () => ask(cache.refresh(), version),
        write: () => {
          told = ++version
          cache.invalidate()
        },
        'write and set': () => {
          told = ++version
          cache.set(version)
        },
        'write, untold': () => void version++,
        expire: () => cache.expire(),
        fail: () => {
          broken = true
        },
        mend: () => {
          broken = false
        },
        'a while': () => void clock.step(clock.wallNow() + 1500),
      }
      const { task } = scheduler.scheduleSequence(
        schedule.map((action) => ({ label: action, builder: async () => act[action]() })),
      )
      await scheduler.waitFor(task)
      await scheduler.waitFor(Promise.all(callers))
      expect(shown).toEqual(shown.toSorted((a, b) => a - b))
      broken = false
      expect(await scheduler.waitFor(cache.refresh())).toBe(version)
      cache.dispose()
    })
    const unhandled = await unhandledDuring(() => fc.assert(property, { numRuns }))
    expect(unhandled).toEqual([])
  },
  timeout,
)
