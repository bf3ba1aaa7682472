/** `npm run start:credentials`: tells the story once, and ends the issuer with it whatever happens. */

import { print, Timeline } from '../postgres/timeline.ts'
import { Issuer } from './issuer.ts'
import { tellStory } from './story.ts'

// The issuer ends when this program does, whoever ends it: it listens for that. So here nothing has to.
const tooLate = setTimeout(() => {
  print('this takes too long: ending, and the issuer too', 'bad')
  process.exit(1)
}, 40_000)

print('evercurrent: one access token, kept current from a real issuer\n', 'strong')
const timeline = new Timeline()
const issuer = new Issuer()
const { expectations, figures } = await tellStory(issuer, timeline)
const last = { text: 'the issuer is gone', held: await issuer.kill() }
clearTimeout(tooLate)

for (const { text, held } of [...expectations, last]) {
  timeline.say(held ? 'held' : 'BROKEN', text, held ? 'plain' : 'bad')
}
print(`\nfigures: ${figures}`, 'strong')
process.exitCode = [...expectations, last].every(({ held }) => held) ? 0 : 1
