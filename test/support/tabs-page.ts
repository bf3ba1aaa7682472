/** What runs in each tab of `tabs.ts`: a registry on the tier of the browser, with a source across the network. */
import { CacheRegistry } from 'evercurrent'
import { browserBackend, hiddenOrOffline } from 'evercurrent/backend/browser'
import { jsonCodec } from 'evercurrent/codec'

/** A value as the page showed it. `at`: epoch milliseconds, with fractions. */
export interface Shown {
  readonly value: number | undefined
  readonly at: number
}

const asked = new URL(location.href).searchParams
const now = () => performance.timeOrigin + performance.now()
const registry = new CacheRegistry({
  backend: browserBackend({ database: asked.get('database') ?? '' }),
  ...(asked.has('rests') && { pauseWhile: hiddenOrOffline }),
})
const numbers = registry.define({
  type: 'number',
  ttl: Number(asked.get('ttl') ?? 60_000),
  refreshWindow: Number(asked.get('window') ?? 10_000),
  codec: jsonCodec<number>(),
  async fetch(key: string, { signal }): Promise<number> {
    // Of two requests of one address the browser's own cache would let the second wait.
    const response = await fetch(`/source/${key}`, { signal, cache: 'no-store' })
    if (!response.ok) throw new Error(`the source answers ${response.status}`)
    return response.json()
  },
})
const texts = registry.define<string>({ type: 'text', ttl: '1h', codec: jsonCodec<string>() })
const events: string[] = []
registry.on((event) => {
  events.push('operation' in event ? `${event.kind} ${event.operation}` : event.kind)
})
const shown: Shown[] = []
const holds: (() => void)[] = []

const tab = {
  numbers,
  texts,
  registry,
  events,
  shown,
  now,
  /** Shows the key from now on, and with `keep` also keeps it fresh. */
  observe(key: string, keep: boolean) {
    const entry = numbers.entry(key)
    const show = () => {
      const { value } = entry.getSnapshot()
      if (value !== shown.at(-1)?.value) shown.push({ value, at: now() })
    }
    holds.push(entry.subscribe(show))
    if (keep) holds.push(entry.keepFresh())
    show()
  },
  /** What a call gives, or the name of its error. */
  async outcome(call: () => Promise<unknown>): Promise<unknown> {
    try {
      return await call()
    } catch (error) {
      return String((error as { reason?: unknown }).reason ?? (error as Error).name)
    }
  },
}
declare global {
  interface Window {
    readonly tab: typeof tab
  }
}
Object.assign(globalThis, { tab })
