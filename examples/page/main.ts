/** `npm start`: builds the page, serves it, and ends everything behind it when it is told to. */

import { Backstage } from './backstage.ts'
import { addressOf, serve } from './server.ts'

const usualPort = 4780
const backstage = new Backstage()

const told = new Promise<string>((resolve) => {
  // On, not once: Ctrl-C may come twice, from the terminal and from the program that runs us.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal))
})

/** Who comes at once waits for it. */
const built = import('./build.ts').then(({ buildPage }) => buildPage())
const server = await serve(backstage, built, Number(process.env['PORT'] ?? usualPort))
console.log(`evercurrent, live: ${addressOf(server)}\n(Ctrl-C ends it; npm run demo tells a story on the terminal)`)

const started = built.then(async () => {
  await backstage.start()
  for (const pid of backstage.state.processes) console.log(`ready: process ${pid}`)
})
const ended = await Promise.race([told, started.then(() => told)]).catch((error: unknown) => error as Error)
if (ended instanceof Error) console.error(ended)
server.close()
server.closeAllConnections()
await started.catch(() => {})
const gone = await backstage.end()
console.log(gone ? 'ended, and the processes behind it too' : 'a process behind it is still there')
process.exit(gone && !(ended instanceof Error) ? 0 : 1)
