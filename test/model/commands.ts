/** Every call, every outcome and every lapse of time, as commands of fast-check on a real cache beside its oracle. */
import * as fc from 'fast-check'
import type { Result } from '../explore/answers.ts'
import { type Duo, promisesSettle } from '../explore/duo.ts'
import type { Expected } from '../explore/expected.ts'

export type Command = fc.AsyncCommand<Expected, Duo>

/** A command that takes one step, waits until everything has followed from it, and compares. */
function command(
  name: string,
  take: (duo: Duo) => unknown,
  open: (expected: Expected) => boolean = () => true,
): Command {
  return {
    check: open,
    async run(_, duo) {
      await take(duo)
      await promisesSettle()
      duo.check()
    },
    toString: () => name,
  }
}

const always = (name: string, take: (duo: Duo) => unknown) => fc.constant(command(name, take))
const withDelay = (name: string, take: (duo: Duo, ms: number) => unknown) =>
  fc.integer({ min: 0, max: 30_000 }).map((ms) => command(`${name} ${ms}`, (duo) => take(duo, ms)))

const results: readonly Result[] = [
  'new',
  'same',
  'equal',
  'undefined',
  { class: 'retry' },
  { class: 'fatal' },
  { class: 'gone' },
  { class: 'retry', retryAfter: 7000 },
  { class: 'retry', retryAfter: 9_000_000 },
]

/** One of the fetches that have not settled, late ones included. */
const settles = fc
  .tuple(fc.nat({ max: 5 }), fc.constantFrom<Result>(...results, 'new', 'new', 'older', 'not modified'))
  .map(([pick, result]) => ({
    check: () => true,
    async run(_: Expected, duo: Duo) {
      const open = duo.calls.flatMap(({ settled }, index) => (settled ? [] : [index]))
      const index = open[pick % open.length]
      if (index === undefined) return
      const possible = result !== 'not modified' || duo.calls[index]?.previous !== undefined
      duo.settle(index, possible ? result : 'new')
      await promisesSettle()
      duo.check()
    },
    toString: () => `settle ${pick}: ${JSON.stringify(result)}`,
  }))

/** To a moment at which something changes, a millisecond before it, or after it. */
const passes = fc
  .tuple(
    fc.constantFrom('window', 'expiry', 'stale', 'cool-down', 'five seconds', 'anything'),
    fc.constantFrom(-1, 0, 1),
  )
  .map(([edge, offset]) =>
    command(`pass to ${edge} ${offset}`, (duo) => {
      const { held, setback } = duo.expected.facts()
      const at = {
        window: held?.refreshAt,
        expiry: held?.expiresAt,
        stale: held && held.expiresAt + duo.rules.staleIfError,
        'cool-down': setback?.until,
        'five seconds': setback && setback.at + 5000,
        anything: undefined,
      }[edge]
      return duo.pass(Math.max(0, (at ?? duo.expected.now() + 500) + offset - duo.expected.now()))
    }),
  )

export const anyCommands = fc.commands(
  [
    always('get', (duo) => duo.get()),
    always('read', (duo) => duo.read()),
    always('get, forgotten', (duo) => duo.getAndForget()),
    withDelay('get within', (duo, ms) => duo.get(ms + 1)),
    always('get with a signal', (duo) => duo.getWithSignal()),
    fc.constant(
      command(
        'abort',
        (duo) => duo.abort(),
        (expected) => expected.abortable() >= 0,
      ),
    ),
    always('get, whose fetch throws', (duo) => duo.getThrowing()),
    fc.nat({ max: 30_000 }).map((ms) =>
      command(
        `sleep ${ms}`,
        (duo) => duo.sleep(ms + 200),
        (expected) => expected.holds() === 0,
      ),
    ),
    always('refresh', (duo) => duo.refresh()),
    always('refresh with a fetch', (duo) => duo.refreshBy()),
    withDelay('refresh if older than', (duo, ms) => duo.refresh(ms)),
    always('set', (duo) => duo.set()),
    always('seed', (duo) => duo.seed(0)),
    withDelay('seed of age', (duo, ms) => duo.seed(ms)),
    always('invalidate', (duo) => duo.invalidate()),
    always('reject the held value', (duo) => duo.reject(duo.expected.facts().held?.value ?? 0)),
    always('reject another value', (duo) => duo.reject(0)),
    always('expire', (duo) => duo.expire()),
    settles,
    settles,
    settles,
    passes,
    passes,
    withDelay('pass', (duo, ms) => duo.pass(ms)),
    always('keep fresh', (duo) => duo.hold()),
    fc.constant(
      command(
        'let go',
        (duo) => duo.release(),
        (expected) => expected.holds() > 0,
      ),
    ),
    // Nothing changes after it, so it is drawn seldom.
    fc
      .nat({ max: 9 })
      .map((n) => (n ? command('get', (duo) => duo.get()) : command('dispose', (duo) => duo.dispose()))),
  ],
  { maxCommands: 60, size: 'max' },
)
