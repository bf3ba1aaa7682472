/** `npm run demo`: tells the story once, and ends the source with it whatever happens. */

import { constants } from 'node:os'
import { Source } from './source.ts'
import { type Outcome, tellStory } from './story.ts'
import { print, Timeline } from './timeline.ts'

interface Interruption {
  readonly why: string
  readonly exitCode: number
}

const deadline = 29_000
const timeline = new Timeline()
const source = new Source()

const interruption = new Promise<Interruption>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // On, not once: Ctrl-C may come twice, from the terminal and from the program that runs us.
    process.on(signal, () => resolve({ why: signal, exitCode: 128 + constants.signals[signal] }))
  }
  process.stdout.on('error', () => resolve({ why: 'nobody reads this any more', exitCode: 1 }))
  setTimeout(resolve, deadline, { why: 'this takes too long', exitCode: 1 }).unref()
})

print('evercurrent: three table descriptions, kept current from a real Postgres\n', 'strong')
const story = tellStory(source, timeline, process.argv.includes('--fast'))
const ended: Outcome | Interruption = await Promise.race([interruption, story]).catch((error: unknown) => {
  console.error(error)
  return { why: 'failed', exitCode: 1 }
})
if ('why' in ended) timeline.say('program', `${ended.why}: ending, and the source too`, 'bad')
const removed = await source.remove()
if ('why' in ended) process.exit(ended.exitCode)

const expectations = [...ended.expectations, { text: 'the source is gone, and its data', held: removed }]
for (const { text, held } of expectations) timeline.say(held ? 'held' : 'BROKEN', text, held ? 'plain' : 'bad')
print(`\nfigures: ${ended.figures}`, 'strong')
print('\nthe same source, with evercurrent and without', 'strong')
for (const line of ended.comparison) print(line)
process.exitCode = expectations.every(({ held }) => held) ? 0 : 1
