/** browserBackend in real tabs: one fetches for all, they show the same, and what one does holds for the others. */
import type { BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { chromium } from '../support/chromium.ts'
import { openTabs, type Tabs } from '../support/tabs.ts'

const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] as number
const showing = (page: Page, value: number) =>
  page.waitForFunction((value) => window.tab.shown.at(-1)?.value === value, value, { polling: 5 })
const shownOf = (page: Page) => page.evaluate(() => window.tab.shown)
const eventsOf = (page: Page) => page.evaluate(() => window.tab.events)
const get = (page: Page, key: string) => page.evaluate((key) => window.tab.numbers.get(key), key)
const find = (page: Page, key: string) => page.evaluate((key) => window.tab.numbers.find(key), key)

// Real tabs share two cores with the other tests: what comes too late once is tried again.
describe.skipIf(!chromium)('tabs of a browser', { timeout: 60_000, retry: 2 }, () => {
  let tabs: Tabs
  let profile: BrowserContext
  let count = 0
  /** of each test its own */
  let key = ''

  beforeAll(async () => {
    tabs = await openTabs()
  }, 30_000)
  afterAll(() => tabs?.close())
  beforeEach(async () => {
    key = `key-${++count}`
    profile = await tabs.profile()
  })
  afterEach(async () => {
    tabs.source.answer(key)
    await profile.close()
  })

  const open = (options?: Readonly<Record<string, string>>) => tabs.tab(profile, options)
  const openAll = async (options?: Readonly<Record<string, string>>) =>
    [await open(options), await open(options), await open(options)] as const
  const observe = (page: Page, keep: boolean) =>
    page.evaluate(([key, keep]) => window.tab.observe(key, keep), [key, keep] as const)

  it('ten refreshes by one of three that keep a key fresh are ten fetches, and all show each within 50 ms', async () => {
    const all = await openAll()
    for (const page of all) await observe(page, true)
    for (const page of all) await showing(page, 1)
    for (let round = 2; round <= 11; round++) {
      await all[0].evaluate((key) => window.tab.numbers.refresh(key), key)
      for (const page of all) await showing(page, round)
    }
    expect(tabs.source.requests(key)).toBe(11)
    const [own, ...others] = await Promise.all(all.map(shownOf))
    for (const shown of others) {
      expect(shown.map(({ value }) => value).filter(Boolean)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
      const delays = shown.slice(-10).map(({ at }, round) => at - (own?.slice(-10)[round]?.at ?? 0))
      expect(median(delays)).toBeLessThan(50)
    }
  })

  it('ten refreshes by the timers of three that keep a key fresh are ten fetches', async () => {
    const all = await openAll({ ttl: '800', window: '400' })
    for (const page of all) await observe(page, true)
    await tabs.source.asked(key, 11)
    const times = tabs.source.times(key).slice(0, 11)
    // One is due every 400 ms. Had two tabs asked for the same one, their requests would come together.
    const apart = times.slice(1).map((at, index) => at - (times[index] as number))
    expect(Math.min(...apart)).toBeGreaterThan(200)
    for (const page of all) await showing(page, 11)
  })

  it('what one sets the others show within 50 ms, those too that only observe, without a fetch', async () => {
    const all = await openAll()
    for (const page of all) await observe(page, false)
    for (let value = 100; value < 110; value++) {
      await all[0].evaluate(([key, value]) => window.tab.numbers.set(key, value), [key, value] as const)
      for (const page of all) await showing(page, value)
    }
    const [own, ...others] = await Promise.all(all.map(shownOf))
    for (const shown of others) {
      const delays = shown.slice(-10).map(({ at }, round) => at - (own?.slice(-10)[round]?.at ?? 0))
      expect(median(delays)).toBeLessThan(50)
    }
    expect(tabs.source.requests(key)).toBe(0)
  })

  it('an invalidation in one defeats the fetch of another, whatever comes first, and after a reload too', async () => {
    const [a, b, c] = await openAll()
    await observe(c, false)
    for (let round = 0; round < 30; round++) {
      tabs.source.hold(key)
      const before = tabs.source.requests(key)
      const fetching = b.evaluate((key) => window.tab.numbers.get(key), key)
      await tabs.source.asked(key, before + 1)
      const invalidate = async () => {
        await a.evaluate((key) => window.tab.numbers.invalidate(key), key)
        return a.evaluate(() => window.tab.now())
      }
      // The answer sets out before, after, or a little after the call.
      const [since] = await Promise.all([
        invalidate(),
        (async () => {
          for (let turn = 0; turn < Math.random() * 12; turn++) await new Promise(setImmediate)
          tabs.source.answer(key)
        })(),
      ])
      const old = await fetching
      await b.evaluate(() => window.tab.registry.flush())
      if (round % 10 === 0) await c.reload()
      else if (round % 10 !== 1) {
        const late = (await shownOf(c)).filter(({ value, at }) => value === old && at > since + 50)
        expect(late).toEqual([])
      }
      for (const page of [a, b, c]) expect(await find(page, key)).not.toBe(old)
    }
  })

  it('closing the one that fetches lets another one finish within its own fetch and 100 ms', async () => {
    const tookOver: number[] = []
    const own: number[] = []
    for (let round = 0; round < 3; round++) {
      const [a, b, c] = await openAll()
      const before = tabs.source.requests(key)
      tabs.source.hold(key)
      get(b, key).catch(() => {})
      await tabs.source.asked(key, before + 1)
      const waiting = [get(a, key), get(c, key)]
      const areQueued = () => navigator.locks.query().then(({ pending }) => pending?.length === 2)
      await a.waitForFunction(areQueued, null, { polling: 5 })
      // From now on the source answers at once.
      tabs.source.forget(key)
      await b.close()
      const closed = performance.now()
      await Promise.any(waiting)
      tookOver.push(performance.now() - closed)
      expect(await Promise.all(waiting)).toEqual([before + 2, before + 2])
      const asked = performance.now()
      await a.evaluate(() => fetch('/source/own', { cache: 'no-store' }).then((response) => response.json()))
      own.push(performance.now() - asked)
      await a.evaluate((key) => window.tab.numbers.invalidate(key), key)
      for (const page of [a, c]) await page.close()
    }
    // The quickest of them: whatever it had to wait for, beside a busy machine, it would wait for each time.
    expect(Math.min(...tookOver)).toBeLessThan(median(own) + 100)
  })

  it('one that is frozen while it fetches holds nobody up, and looks again when it is back', async () => {
    const [a, b] = [await open(), await open()]
    await observe(b, false)
    tabs.source.hold(key)
    get(b, key).catch(() => {})
    await tabs.source.asked(key, 1)
    // What is frozen hears of it, and then nothing in it runs: a visible page can be made to by the debugger alone.
    const debug = await profile.newCDPSession(b)
    await debug.send('Debugger.enable')
    const frozen = b.evaluate(async () => {
      document.dispatchEvent(new Event('freeze', { bubbles: true }))
      await new Promise((resolve) => setTimeout(resolve))
      // biome-ignore lint/suspicious/noDebugger: here it stands still
      debugger
      document.dispatchEvent(new Event('resume', { bubbles: true }))
    })
    await new Promise<void>((resolve) => debug.once('Debugger.paused', () => resolve()))
    tabs.source.forget(key)
    expect(await get(a, key)).toBe(2)
    await a.evaluate((key) => window.tab.numbers.set(key, 77), key)
    await debug.send('Debugger.resume')
    await frozen
    await showing(b, 77)
    expect(tabs.source.requests(key)).toBe(2)
  })

  it('values survive a reload, and the end of every tab', async () => {
    const first = await open()
    expect(await get(first, key)).toBe(1)
    await first.evaluate(() => window.tab.registry.flush())
    await first.reload()
    expect(await get(first, key)).toBe(1)
    await first.close()
    expect(await get(await open(), key)).toBe(1)
    expect(tabs.source.requests(key)).toBe(1)
  })

  it('another profile, as a private window has, shares nothing', async () => {
    await get(await open(), key)
    const other = await tabs.profile()
    expect(await get(await tabs.tab(other), key)).toBe(2)
    await other.close()
  })

  it('one that is offline or hidden makes no fetch, shows what others fetch, and on its return fetches once', async () => {
    const options = { ttl: '300', window: '100', rests: '' }
    const [a, b] = [await open(options), await open()]
    await observe(a, true)
    await showing(a, 1)
    await profile.setOffline(true)
    await a.waitForFunction(() => !navigator.onLine)
    await b.evaluate((key) => window.tab.numbers.set(key, 50), key)
    await showing(a, 50)
    // Due by now, had it not been offline.
    await a.waitForFunction((key) => window.tab.numbers.peek(key) === undefined, key)
    const before = await eventsOf(a)
    const failed = await a.evaluate((key) => window.tab.outcome(() => window.tab.numbers.get(key)), key)
    expect(failed).toBe('TypeError')
    expect(before.filter((kind) => kind === 'fetch-failed')).toEqual([])
    await a.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
    })
    await profile.setOffline(false)
    await a.waitForFunction(() => navigator.onLine)
    expect(tabs.source.requests(key)).toBe(1)
    await a.evaluate(() => {
      Reflect.deleteProperty(document, 'visibilityState')
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
    })
    await showing(a, 2)
    expect(tabs.source.requests(key)).toBe(2)
  })

  it('a page without https fetches for itself, with one event, and keeps the values', async () => {
    const plain = () => tabs.tab(profile, {}, 'plain.test')
    const [a, b] = [await plain(), await plain()]
    expect(await a.evaluate(() => 'locks' in navigator)).toBe(false)
    expect([await get(a, key), await get(a, `${key}-2`)]).toEqual([1, 1])
    await a.evaluate(() => window.tab.registry.flush())
    expect((await eventsOf(a)).filter((event) => event.startsWith('backend'))).toEqual(['backend-failed lease'])
    expect(await get(b, key)).toBe(1)
    expect(tabs.source.requests(key)).toBe(1)
  })

  it('an upgrade that a tab blocks costs no reader anything, and happens once that tab is closed', async () => {
    const blocker = await open({ database: 'another' })
    // Somebody holds it open as it was, and does not listen.
    await blocker.evaluate(
      () =>
        new Promise<void>(
          (resolve) =>
            (indexedDB.open('tabs').onsuccess = (event) => {
              Object.assign(window, { kept: (event.target as IDBOpenDBRequest).result })
              resolve()
            }),
        ),
    )
    const page = await open()
    expect(await get(page, key)).toBe(1)
    expect(await get(page, key)).toBe(1)
    expect(await eventsOf(page)).toContain('backend-failed get')
    expect(await page.evaluate((key) => window.tab.outcome(() => window.tab.numbers.set(key, 5)), key)).toBe(
      'unreachable',
    )
    await blocker.close()
    await page.waitForFunction(
      (key) => window.tab.outcome(() => window.tab.numbers.set(key, 6)).then((outcome) => outcome === undefined),
      key,
    )
    expect(await find(page, key)).toBe(6)
  })

  it('a quota that is used up refuses writes, and reads go on', async () => {
    const page = await open({ database: 'another' })
    const session = await profile.newCDPSession(page)
    await session.send('Storage.overrideQuotaForOrigin', { origin: tabs.origin, quotaSize: 2_000_000 })
    expect(await get(page, key)).toBe(1)
    const write = (length: number) =>
      page.evaluate((length) => window.tab.outcome(() => window.tab.texts.set('long', 'x'.repeat(length))), length)
    expect(await write(3_000_000)).toBe('full')
    expect(await write(1000)).toBe(undefined)
    expect(await find(await open({ database: 'another' }), key)).toBe(1)
    expect(await eventsOf(page)).toContain('backend-failed set')
  })
})
