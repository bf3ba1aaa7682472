/** mountDevtools() in a page: what the panel says of each value, how it is reached, and what it leaves alone. */
import axe from 'axe-core'
import { BackgroundCache, CacheRegistry } from 'evercurrent'
import { type DevtoolsOptions, mountDevtools } from 'evercurrent/devtools'
import { controlledFetch } from 'evercurrent/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const policy = { ttl: '10s', refreshWindow: '4s', staleIfError: '1h' } as const
const secret = 'a value that nobody may see'
let unmount = () => {}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  unmount()
  document.body.replaceChildren()
  vi.useRealTimers()
})

function schemasOf(registry: CacheRegistry) {
  const fetch = controlledFetch<string>()
  const keyed = (_: string, ...rest: Parameters<typeof fetch>) => fetch(...rest)
  return { registry, fetch, schemas: registry.define({ ...policy, type: 'schema', fetch: keyed }) }
}

async function mounted(options: Partial<DevtoolsOptions> = {}) {
  const made = schemasOf(new CacheRegistry())
  const { registry, fetch, schemas } = made
  const first = schemas.get('orders')
  await fetch.resolve(secret)
  await first
  unmount = mountDevtools(document.body, { registry, ...options })
  return made
}

const root = () => {
  const found = document.body.querySelector('div')?.shadowRoot
  if (!found) throw new Error('nothing is mounted')
  return found
}
const rows = () => [...root().querySelectorAll('tbody tr')] as HTMLTableRowElement[]
const cells = (row = rows()[0]) => [...(row?.cells ?? [])].map((cell) => cell.textContent)
const buttons = () => [...root().querySelectorAll('button')]
const events = () => [...root().querySelectorAll('li')].map((item) => item.lastChild?.textContent)
const picture = () => root().querySelector('[role=img]')
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('mountDevtools', () => {
  it('has a row for each key: its type, state, age, next attempt and last error', async () => {
    const { schemas, fetch } = await mounted()
    expect(cells()).toEqual(['orders', 'schema', '', 'current, fresh', '0.0 s of 10.0 s', '', ''])
    await pass(7_000)
    expect(cells()[3]).toBe('current, aging')
    void schemas.get('orders')
    await fetch.reject(new Error('the source answers 503'))
    await pass(500)
    const [, , , state, age, attempt, error] = cells()
    expect(state).toBe('current, aging')
    expect(age).toBe('7.5 s of 10.0 s')
    expect(attempt).toMatch(/^in 0\.\d s$/)
    expect(error).toBe('the source answers 503')
  })

  it('says of a key which namespace it is in', async () => {
    const { schemas, fetch } = await mounted()
    void schemas.namespace('tenant').namespace('eu').get('orders')
    await fetch.resolve('x')
    await pass(500)
    expect(rows().map((row) => cells(row)[2])).toEqual(['', 'tenant / eu'])
  })

  it('shows a cache of one value by its name', async () => {
    const cache = new BackgroundCache({ ...policy, name: 'settings', fetch: async () => secret })
    await cache.get()
    unmount = mountDevtools(document.body, { registry: cache })
    expect(rows()).toHaveLength(1)
    await cache.refresh()
    await pass(500)
    expect(events()[0]).toMatch(/^settings: fetch succeeded in \d+ ms$/)
  })

  it('shows no value, neither as text nor in an attribute, unless asked', async () => {
    const { schemas } = await mounted()
    await schemas.set('orders', `${secret}, changed`)
    buttons()[0]?.click()
    await pass(500)
    expect(root().innerHTML).not.toContain(secret)
  })

  it('shows the values that showValues gives, shortened', async () => {
    const long = 'x'.repeat(5_000)
    await mounted({ showValues: ({ key }) => ({ of: key?.[0], long }) })
    const value = cells().at(-1) ?? ''
    expect(value).toMatch(/^\{"of":"orders","long":"x+…$/)
    expect(value).toHaveLength(200)
  })

  it('only observes: it starts no fetch and reads nothing', async () => {
    const { fetch, registry } = await mounted()
    buttons()[0]?.click()
    await pass(60_000)
    expect(fetch.calls).toBe(1)
    expect([...registry.inspect()][0]?.observers).toBe(0)
  })

  it('writes what has changed into the rows that are there', async () => {
    const { schemas } = await mounted()
    const [row] = rows()
    const button = buttons()[0]
    button?.focus()
    await schemas.set('orders', 'b')
    await schemas.set('customers', 'c')
    await pass(500)
    expect(rows()[0]).toBe(row)
    expect(root().activeElement).toBe(button)
    expect(rows()).toHaveLength(2)
  })

  it('a key that is gone has no row', async () => {
    const { registry } = await mounted()
    await registry.dispose()
    await pass(500)
    expect(rows()).toHaveLength(0)
  })

  it('pressing a key shows its timeline, described in words, and pressing it again hides that', async () => {
    await mounted()
    const [button] = buttons()
    expect(button?.getAttribute('aria-expanded')).toBe('false')
    button?.click()
    await pass(3_000)
    expect(button?.getAttribute('aria-expanded')).toBe('true')
    expect(picture()?.getAttribute('aria-label')).toBe(
      'Timeline of schema / orders: its value is 3 s old, 0 fetches, 0 failed, 0 discarded',
    )
    expect(picture()?.querySelectorAll('svg').length).toBeGreaterThan(0)
    button?.click()
    expect(picture()).toBeNull()
  })

  it('lists the keys that contain what is searched for, in any case', async () => {
    const { schemas } = await mounted()
    await schemas.set('customers', 'c')
    const search = root().querySelector('input') as HTMLInputElement
    search.value = 'CUST'
    search.dispatchEvent(new Event('input'))
    expect(rows().map((row) => cells(row)[0])).toEqual(['customers'])
    search.value = ''
    search.dispatchEvent(new Event('input'))
    expect(rows()).toHaveLength(2)
  })

  it('lists at most maxKeys values and says so, and at most maxEvents events, the newest first', async () => {
    const { schemas } = await mounted({ maxKeys: 3, maxEvents: 4 })
    for (let table = 0; table < 10; table++) await schemas.set(`t${table}`, 'x')
    await pass(500)
    expect(rows()).toHaveLength(3)
    expect(root().querySelector('caption')?.textContent).toContain('the first 3')
    expect(events()).toEqual([9, 8, 7, 6].map((table) => `schema / t${table}: value set`))
  })

  it('rests while the page is hidden, and is up to date once it is back', async () => {
    const { schemas } = await mounted()
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
    await schemas.set('customers', 'c')
    await pass(5_000)
    expect(rows()).toHaveLength(1)
    hidden.mockRestore()
    document.dispatchEvent(new Event('visibilitychange'))
    expect(rows()).toHaveLength(2)
  })

  it('once unmounted it is gone, with its timer and its listeners', async () => {
    const { registry } = schemasOf(new CacheRegistry())
    const stops: ReturnType<typeof vi.fn>[] = []
    const on = registry.on.bind(registry)
    vi.spyOn(registry, 'on').mockImplementation((listener) => {
      const stop = vi.fn(on(listener))
      stops.push(stop)
      return stop
    })
    const timers = vi.getTimerCount()
    mountDevtools(document.body, { registry })()
    expect(document.body.childElementCount).toBe(0)
    expect(vi.getTimerCount()).toBe(timers)
    expect(stops.length).toBeGreaterThan(0)
    for (const stop of stops) expect(stop).toHaveBeenCalledOnce()
  })

  it.each([
    [{}, 'Cannot use registry: expected a registry or a cache: received undefined'],
    [{ registry: {} }, 'Cannot use registry: expected a registry or a cache: received object'],
    [{ registry: new CacheRegistry(), every: 0 }, 'Cannot use every: expected more than 0: received 0'],
    [{ registry: new CacheRegistry(), every: Number.NaN }, 'Cannot use every: expected more than 0: received NaN'],
    [{ registry: new CacheRegistry(), maxKeys: -1 }, 'Cannot use maxKeys: expected more than 0: received -1'],
    [
      { registry: new CacheRegistry(), showValues: true },
      'Cannot use showValues: expected a function: received boolean',
    ],
    [{ registry: new CacheRegistry(), show: 1 }, 'received show'],
  ])('refuses %o and adds nothing to the page', (options, message) => {
    expect(() => mountDevtools(document.body, options as unknown as DevtoolsOptions)).toThrow(message)
    expect(document.body.childElementCount).toBe(0)
  })

  it.each(['light', 'dark'])('has no accessibility violation, %s', async (scheme) => {
    const { schemas, fetch } = await mounted({ showValues: () => 'shown' })
    document.documentElement.style.colorScheme = scheme
    document.documentElement.style.background = 'Canvas'
    await pass(7_000)
    void schemas.get('orders')
    await fetch.reject(new Error('down'))
    buttons()[0]?.click()
    await pass(500)
    vi.useRealTimers()
    const { violations } = await axe.run(document.body)
    document.documentElement.removeAttribute('style')
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
  })
})
