/** `npm start`, used as a person would: in Chromium, by clicks and keys, while what is behind the page is broken. */

import axe from 'axe-core'
import { type Browser, chromium as engine, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { chromium, chromiumArguments } from '../support/chromium.ts'
import { processesIn, startExample } from '../support/running-example.ts'

const deadline = 30_000

const startPage = () => startExample('examples/page/main.ts')
let run: ReturnType<typeof startPage>
let browser: Browser
let address = ''
let tookMs = 0
/** What the console of any page said, and what failed in it. */
const complaints: string[] = []

/** A page whose readers are at work. */
async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext(options)
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  context.on('weberror', (problem) => complaints.push(String(problem.error())))
  const page = await context.newPage()
  page.setDefaultTimeout(deadline)
  await page.goto(address)
  await hasReadAll(page)
  return page
}

/** Every value has been read in this page, and drawn. */
const hasReadAll = async (page: Page) => {
  for (const id of ['customers', 'orders', 'token', 'config']) {
    const name = id === 'token' || id === 'config' ? id : `table-${id}`
    await page.locator(`#${name}[data-served]:not([data-served=none])`).waitFor()
  }
}

const value = (page: Page, id: string) => page.locator(`#${id} .value`)
const says = (page: Page, words: string | RegExp) => page.locator('#log p', { hasText: words }).last().waitFor()

/** What the table says of a way. */
async function counts(page: Page, way: string) {
  const cells = await page.locator(`#score tr[data-way=${way}] td`).allTextContents()
  const [reads = 0, errors = 0, waited = 0, stale = 0, , , fetches = 0] = cells.map(Number)
  return { reads, errors, waited, stale, fetches }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (
    const limit = performance.now() + deadline;
    !(await condition());
    await new Promise((go) => setTimeout(go, 50))
  ) {
    if (performance.now() > limit) throw new Error('it did not come about in time')
  }
}

/** The first place of each kind of violation. It is evaluated, since the page lets no script of others in. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const found = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
}

describe.skipIf(!chromium)('the page', () => {
  beforeAll(async () => {
    const asked = performance.now()
    process.env['PORT'] = '0'
    run = startPage()
    await run.says('localhost')
    tookMs = performance.now() - asked
    address = /http:\S+/.exec(run.output())?.[0] ?? ''
    browser = await engine.launch({ executablePath: chromium ?? '', args: chromiumArguments })
  }, 60_000)
  // Also those of a test that failed: a page goes on reading for as long as it is open.
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
  })
  afterAll(async () => {
    await browser?.close()
    if (run.child.exitCode === null) run.child.kill('SIGKILL')
  })

  it('is ready within ten seconds, and its readers are answered from memory', { timeout: 60_000 }, async () => {
    expect(tookMs).toBeLessThan(10_000)
    const page = await open()
    await until(async () => (await counts(page, 'evercurrent')).reads > 40)
    const { reads, errors, waited, fetches } = await counts(page, 'evercurrent')
    expect(errors).toBe(0)
    expect(waited).toBeLessThan(9)
    expect(fetches).toBeLessThan(reads / 2)
    await expect(value(page, 'token').textContent()).resolves.toMatch(/^a bearer token/)
  })

  it('a table that was altered is seen within its ttl, though nobody tells the cache', {
    timeout: 60_000,
  }, async () => {
    const page = await open()
    await page.getByRole('button', { name: 'Alter orders' }).click()
    await says(page, /orders\.note_\d+ reached the readers/)
    const said = await page.locator('#log p', { hasText: 'reached the readers' }).textContent()
    const [, amount = '', unit] = /after ([\d.]+) (ms|s)/.exec(said ?? '') ?? []
    expect(Number(amount) * (unit === 's' ? 1000 : 1)).toBeLessThan(7_000)
    await until(async () => /note_\d+/.test((await value(page, 'table-orders').textContent()) ?? ''))
  })

  it('while the source fails evercurrent answers, a plain cache does not', { timeout: 90_000 }, async () => {
    const page = await open()
    const before = await counts(page, 'evercurrent')
    await page.getByLabel('failing').check()
    await page.locator('#table-orders[data-served=stale]').waitFor()
    const after = await counts(page, 'evercurrent')
    expect(after.errors).toBe(before.errors)
    expect(after.stale).toBeGreaterThan(before.stale)

    // By keyboard: the next of the radios.
    await page.getByLabel('evercurrent', { exact: true }).focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.getByLabel('a plain TTL cache').isChecked()).toBe(true)
    await until(async () => (await counts(page, 'plain')).errors > 5)
    await page.keyboard.press('ArrowRight')
    await until(async () => (await counts(page, 'none')).errors > 5)

    await page.getByLabel('well', { exact: true }).check()
    await says(page, 'the source is well')
    await page.keyboard.press('Tab')
    await page.getByLabel('evercurrent', { exact: true }).check()
    await page.locator('#table-orders[data-served=fresh]').waitFor()
  })

  it('a rotated key costs the token, and one fetch brings the next', { timeout: 60_000 }, async () => {
    const page = await open()
    await page.getByRole('button', { name: 'Rotate the key' }).click()
    await says(page, 'the API answered 401')
    await page.locator('#token[data-served=fresh]').waitFor()
  })

  it('a second tab has what the first one wrote, without a fetch of its own', { timeout: 60_000 }, async () => {
    const page = await open()
    const opening = page.context().waitForEvent('page')
    await page.getByRole('button', { name: 'Open a second tab' }).click()
    const second = await opening
    await hasReadAll(second)
    await page.getByLabel('Greeting').fill('seen in both')
    await page.keyboard.press('Enter')
    await says(page, /wrote revision \d+/)
    for (const tab of [page, second]) {
      await until(async () => ((await value(tab, 'config').textContent()) ?? '').includes('seen in both'))
    }
    // Each has fetched a token of its own; of the rest they share what one of them fetches.
    const [one, two] = [await counts(page, 'evercurrent'), await counts(second, 'evercurrent')]
    const bothReads = one.reads + two.reads
    expect(one.errors + two.errors).toBe(0)
    expect(one.fetches + two.fetches).toBeLessThan(bothReads / 4)
  })

  it.each(['light', 'dark'] as const)(
    'has no violations that axe finds, in %s',
    { timeout: 60_000 },
    async (scheme) => {
      const page = await open({ colorScheme: scheme })
      await page.locator('#devtools').getByRole('button', { name: 'orders' }).click()
      expect(await violations(page)).toEqual([])
    },
  )

  it('fits a phone, and each picture says in words what it shows', { timeout: 60_000 }, async () => {
    const page = await open({ viewport: { width: 360, height: 740 }, reducedMotion: 'reduce' })
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    expect(widths[0]).toBe(widths[1])
    const picture = page.locator('#table-orders').getByRole('img')
    await page.locator('#table-orders').scrollIntoViewIfNeeded()
    await picture.waitFor()
    expect(await picture.getAttribute('aria-label')).toMatch(/^Timeline of table \/ orders: its value is \d+ s old/)
    const box = await picture.boundingBox()
    expect(box?.width).toBeLessThan(360)
  })

  it('has complained of nothing, and SIGTERM ends it and what is behind it', { timeout: 60_000 }, async () => {
    expect(complaints).toEqual([])
    run.child.kill('SIGTERM')
    expect(await run.end, run.output()).toBe(0)
    const processes = processesIn(run.output())
    expect(processes).toHaveLength(2)
    for (const pid of processes) expect(() => process.kill(pid, 0), `process ${pid}`).toThrow()
  })
})
