/** A request handler on a platform that stops the process once the response is out. */
import { BackgroundCache } from 'evercurrent'

interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void
}
const config = new BackgroundCache({ ttl: '1m', fetch: async () => ({ on: true }) })

export default {
  async fetch(_request: Request, _environment: unknown, context: ExecutionContext): Promise<Response> {
    const { on } = await config.get({ waitUntil: (work) => context.waitUntil(work), maxWait: 200 })
    const { stale, from } = await config.read({ maxWait: '200ms' })
    return new Response(`${on} ${stale} ${from}`)
  },
}
