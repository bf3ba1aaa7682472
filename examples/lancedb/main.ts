/**
 * A LanceDB connection whose tokens come from a cache, beside one with LanceDB's own `oauthConfig`. In a clone:
 *
 *   npm ci && npm ci --prefix examples/lancedb
 *   npm run start:lancedb
 *
 * The second installs @lancedb/lancedb (190 MB), which nothing else here needs.
 */

import { Issuing } from '../credentials/issuing.ts'
import { print, Timeline } from '../postgres/timeline.ts'
import { RemoteApi } from './remote-api.ts'
import { tellStory } from './story.ts'

const tooLate = setTimeout(() => {
  print('this takes too long: ending', 'bad')
  process.exit(1)
}, 40_000)

print('evercurrent: the token of a LanceDB connection, kept current from a real issuer\n', 'strong')
const timeline = new Timeline()
const issuer = new Issuing()
await issuer.start()
const api = new RemoteApi(`http://127.0.0.1:${issuer.port}/jwks`)
await api.start()
const { expectations, figures } = await tellStory(issuer, api, timeline)
await api.stop()
await issuer.stop()
clearTimeout(tooLate)

for (const { text, held } of expectations) timeline.say(held ? 'held' : 'BROKEN', text, held ? 'plain' : 'bad')
print(`\nfigures: ${figures}`, 'strong')
// Nothing of ours is left, but LanceDB's header provider would keep the process alive.
process.exit(expectations.every(({ held }) => held) ? 0 : 1)
