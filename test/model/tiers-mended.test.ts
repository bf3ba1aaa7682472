/** What registries on one store once broke: the shortest schedule of each, by the rule that it broke. */
import { expect, it } from 'vitest'
import { play } from './tiers.ts'
import { type TierRules, tierRules } from './tiers-rules.ts'
import type { Step } from './tiers-steps.ts'

const step = (what: string, more: Partial<Step> = {}): Step => ({
  what,
  who: 0,
  key: 0,
  pick: 0,
  sudden: false,
  ...more,
})
const rulesOf = (name: string) => tierRules.find((rules) => rules.name === name) as TierRules

const schedules: Readonly<Record<string, { readonly rules?: string; readonly steps: readonly Step[] }>> = {
  // The look-up of the queued refresh is sent before the write of what has just come.
  'L6: no process defeats its own refresh': {
    steps: [step('get'), step('refresh'), step('settle ok'), step('settle ok')],
  },
  // A flight that lost its slot before it had the lease is given one, and nobody is left to release it.
  'the coordinator: a lease ends with its fetch': {
    rules: 'joined',
    steps: [step('get', { sudden: true }), step('invalidate'), step('settle ok')],
  },
  // The write of the value is on its way: the drop is compared with where the tier was before it.
  'L10: nothing that was rejected': {
    steps: [
      step('get'),
      step('settle ok'),
      step('an expiry'),
      step('get'),
      step('hold'),
      step('settle ok'),
      step('reject'),
      step('let go'),
      step('get'),
    ],
  },
  // What the source says of a key while a set() of it is on its way undoes that set() here, and not in the tier.
  'L16: whoever writes forgets that it was gone': {
    steps: [step('get'), step('hold'), step('set'), step('settle gone'), step('let go'), step('get')],
  },
  // It joins a look-up, and takes what the tier has, however old.
  'L8: ifOlderThan gives nothing older': {
    steps: [step('set'), step('1 s'), step('get', { who: 1, sudden: true }), step('refresh if older', { who: 1 })],
  },
  // A drop that the tier could not be told of is made good later, and then without its condition.
  'L6: "gone" drops nothing that was fetched or set later': {
    steps: [
      step('down'),
      step('get'),
      step('settle gone'),
      step('set', { who: 1 }),
      step('mend'),
      step('an expiry'),
      step('get'),
    ],
  },
  'L10: a rejection drops what was rejected, and nothing else': {
    steps: [
      step('set', { who: 1 }),
      step('down'),
      step('get'),
      step('settle ok'),
      step('reject'),
      step('mend'),
      step('an expiry', { who: 1 }),
      step('get'),
    ],
  },
  // What was told to expire is evicted, and the tier has it still.
  'L10: nothing undoes expire() but a newer value': {
    rules: 'room for one',
    steps: [
      step('get'),
      step('settle ok'),
      step('1 s'),
      step('expire'),
      step('get', { key: 1 }),
      step('settle ok'),
      step('get'),
    ],
  },
  // A flight that lost its slot while it asked the tier asks the source, and tells that it began and nothing more.
  'L11: every fetch that was told of ends once': {
    steps: [step('get', { sudden: true }), step('invalidate'), step('settle ok')],
  },
}

it.each(Object.entries(schedules))('%s', async (_, { rules = 'plain', steps }) => {
  const story: string[] = []
  const { broken } = await play(rulesOf(rules), steps, story)
  expect(broken, story.join('\n')).toBe(undefined)
})
