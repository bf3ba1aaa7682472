/** `npm start`: tells the story once, and ends the source with it whatever happens. */

import { constants } from 'node:os'
import { Source } from './source.ts'
import { tellStory } from './story.ts'
import { print, Timeline } from './timeline.ts'

const fast = process.argv.includes('--fast')
const deadline = 29_000

const timeline = new Timeline()
const source = new Source()

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const interruption = new Promise<number>((resolve) => {
  const interrupt = (why: string, exitCode: number) => {
    timeline.say('program', `${why}: ending, and the source too`, 'bad')
    resolve(exitCode)
  }
  for (const signal of signals) process.once(signal, () => interrupt(signal, 128 + constants.signals[signal]))
  setTimeout(interrupt, deadline, 'this takes too long', 1).unref()
  process.stdout.once('error', () => resolve(1)) // nobody reads us any more
})

print('evercurrent: three table descriptions, kept current from a real Postgres\n', 'strong')
const ended = await Promise.race([
  interruption,
  tellStory(source, timeline, fast).catch((error: unknown) => {
    timeline.say('program', 'failed', 'bad')
    console.error(error)
    return 1
  }),
])
const removed = await source.remove()

if (typeof ended === 'number') process.exit(ended)
const expectations = [...ended.expectations, { text: 'the source is gone, and its data', held: removed }]
for (const { text, held } of expectations) timeline.say(held ? 'held' : 'BROKEN', text, held ? 'plain' : 'bad')
print(`\nfigures: ${ended.figures}`, 'strong')
process.exitCode = expectations.every(({ held }) => held) ? 0 : 1
