/** Processes of their own: what keeps one alive (L20), and that no rejection or exception in it is left to nobody (L11). */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Every wait a program leaves behind lasts an hour: one that ends within this was not held by it. */
const DEADLINE_MS = 20_000

interface End {
  readonly code: number | string
  readonly printed: readonly string[]
  readonly complaints: string
}

const prelude = `
import { BackgroundCache } from 'evercurrent'
const print = (...words) => console.log(...words)
const never = () => new Promise(() => {})
const soon = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms))
const fails = async () => { throw new Error('source down') }
const ignore = () => {}

/** Later, by every clock a cache may read: aging without waiting. */
const travel = (minutes) => { ahead += minutes * 60_000 }
let ahead = 0
for (const face of [Date, performance]) { const now = face.now.bind(face); face.now = () => now() + ahead }
`

/** Runs a program against the built package until it ends by itself; one still there at the deadline is killed. */
const run = (program: string): Promise<End> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', prelude + program], { cwd: root })
    let printed = ''
    let complaints = ''
    child.stdout.on('data', (chunk) => (printed += chunk))
    child.stderr.on('data', (chunk) => (complaints += chunk))
    const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(deadline)
      resolve({
        code: code ?? `still running after ${DEADLINE_MS} ms: ${signal}`,
        printed: printed.split('\n').slice(0, -1),
        complaints,
      })
    })
  })

const ended = (...printed: string[]): End => ({ code: 0, printed, complaints: '' })

describe('L20 a process ends by itself', () => {
  it.each([
    [
      'holds a value, listeners and an hour of ttl',
      `
      const cache = new BackgroundCache({ ttl: '1h', staleIfError: '1h', fetch: () => 1 })
      cache.subscribe(ignore)
      cache.on(ignore)
      print(await cache.get())`,
    ],
    [
      'waits for a fetch that hangs',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetch: never })
      cache.get().then(print, print)
      cache.refresh().then(print, print)
      print(1)`,
    ],
    [
      'waits for a fetch that hangs, with a fetchTimeout pending',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetchTimeout: '1h', fetch: never })
      cache.get().then(print, print)
      print(1)`,
    ],
    [
      'waits with an abort signal',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetch: never })
      cache.get({ signal: new AbortController().signal }).then(print, print)
      print(1)`,
    ],
    [
      'has a refresh in the background that hangs',
      `
      const cache = new BackgroundCache({ ttl: '1h', refreshWindow: '20m', fetchTimeout: '1h', fetch: never })
      cache.set(1)
          travel(50)
      print(await cache.get())`,
    ],
    [
      'is in a cool-down',
      `
      const cache = new BackgroundCache({ ttl: '1h', backoff: { base: '1h', max: '1h' }, fetch: fails })
      await cache.get().catch(ignore)
      print(1)`,
    ],
    [
      'was allowed a maxWait and did not need it',
      `
      const cache = new BackgroundCache({ ttl: '1h', maxWait: '1h', fetch: () => soon().then(() => 1) })
      print(await cache.get({ maxWait: '1h' }))`,
    ],
    [
      'iterated over values() and left',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetch: () => 1 })
      for await (const value of cache.values()) { print(value); break }`,
    ],
    [
      'made an iterator it never used',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetch: () => 1 })
      cache.values()
      print(1)`,
    ],
    [
      'subscribed to its observables and left',
      `
      const { snapshots$, values$, events$ } = await import('evercurrent/rxjs')
      const cache = new BackgroundCache({ ttl: '1h', fetch: () => 1 })
      const subscriptions = [values$(cache), snapshots$(cache)].map((stream) => stream.subscribe())
      events$(cache).subscribe()
      print(await cache.get())
      for (const subscription of subscriptions) subscription.unsubscribe()`,
    ],
    [
      'kept it fresh and let go',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetch: () => 1 })
      const releases = [cache.keepFresh(), cache.keepFresh()]
      print(await cache.get())
      for (const release of releases) release()`,
    ],
    [
      'kept it fresh and let go while a fetch hangs',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetchTimeout: '1h', fetch: never })
      cache.keepFresh()()
      print(1)`,
    ],
    [
      'kept it fresh through a failure and let go',
      `
      const cache = new BackgroundCache({ ttl: '1h', backoff: { base: '1h', max: '1h' }, fetch: fails })
      const release = cache.keepFresh()
      await cache.get().catch(ignore)
      release()
      print(1)`,
    ],
    [
      'kept it fresh and disposed of it',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetch: () => 1 })
      cache.keepFresh()
      cache.values().next().then(ignore)
      print(await cache.get())
      cache.dispose()`,
    ],
    [
      'disposed of it while readers wait, one with a maxWait',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetch: never })
      const waiting = [cache.get(), cache.get({ maxWait: '1h' }), cache.refresh()]
      cache.dispose()
      const codes = (await Promise.allSettled(waiting)).map((result) => result.reason.code)
      print(codes.every((code) => code === 'DISPOSED') ? 1 : codes)`,
    ],
  ])('that %s', async (_, program) => {
    expect(await run(program)).toEqual(ended('1'))
  })
})

describe('L20 a process is held', () => {
  it('by keepFresh() until it is released', async () => {
    // Only the cache's own timer is left between two fetches: without a hold there would be no third.
    expect(
      await run(`
      let fetches = 0
      const cache = new BackgroundCache({ ttl: 60, refreshWindow: 30, fetch: () => {
        print(++fetches)
        if (fetches === 3) release()
        return fetches
      } })
      const release = cache.keepFresh()`),
    ).toEqual(ended('1', '2', '3'))
  })

  it('by keepFresh() through a cool-down', async () => {
    expect(
      await run(`
      let fetches = 0
      const cache = new BackgroundCache({ ttl: '1h', backoff: { base: 20, max: 20 }, fetch: () => {
        if (++fetches < 3) throw new Error('source down')
        release()
        print(fetches)
        return fetches
      } })
      const release = cache.keepFresh()`),
    ).toEqual(ended('3'))
  })

  it('by keepFresh() while a fetch hangs, until its fetchTimeout', async () => {
    expect(
      await run(`
      const cache = new BackgroundCache({ ttl: '1h', fetchTimeout: 30, fetch: never })
      const release = cache.keepFresh()
      cache.on((event) => {
        if (event.kind !== 'fetch-failed') return
        print(event.error.code)
        release()
      })`),
    ).toEqual(ended('FETCH_TIMEOUT'))
  })

  it('by for await over values() and by values$ until they end', async () => {
    expect(
      await run(`
      const { values$ } = await import('evercurrent/rxjs')
      let fetches = 0
      const cache = new BackgroundCache({ ttl: 60, refreshWindow: 30, fetch: () => ++fetches })
      for await (const value of cache.values()) if (value >= 2) break
      const subscription = values$(cache).subscribe((value) => {
        if (value < 4) return
        subscription.unsubscribe()
        print('done')
      })`),
    ).toEqual(ended('done'))
  })

  it('by a reader’s maxWait until it is over', async () => {
    expect(
      await run(`
      const cache = new BackgroundCache({ ttl: '1h', fetchTimeout: '1h', fetch: never })
      cache.get({ maxWait: 30 }).catch((error) => print(error.code))`),
    ).toEqual(ended('WAIT_TIMEOUT'))
  })
})

describe('L11 nothing is left unhandled', () => {
  it.each([
    [
      'background refreshes that fail in every way',
      `
      const broken = [fails, () => { throw new Error('at once') }, () => { throw undefined }, () => Promise.reject(0),
        () => undefined, () => ({ then() { throw new Error('in then') } }), () => Object.defineProperty({}, 'then', { get() { throw 0 } })]
      for (const fetch of broken) {
        const cache = new BackgroundCache({ ttl: '1h', refreshWindow: '20m', fetch })
        cache.set('held')
          travel(50)
        if (await cache.get() !== 'held') print('not served')
        await soon(0)
        if (cache.getSnapshot().failure === undefined) print('silent', fetch)
      }`,
    ],
    [
      'reads that reject and nobody awaits',
      `
      const caches = [fails, () => { throw undefined }, () => undefined].map((fetch) => new BackgroundCache({ ttl: '1h', fetch }))
      for (const cache of caches) {
        cache.get(); cache.read(); cache.refresh(); cache.refresh({ ifOlderThan: '1m' }); cache.get({ maxWait: 1 })
        cache.get({ signal: AbortSignal.abort() })
        cache.values().next()
        cache.values().return()
      }
      const hung = new BackgroundCache({ ttl: '1h', fetchTimeout: 5, fetch: never })
      hung.get(); hung.get({ maxWait: 1 }); hung.refresh()
      const controller = new AbortController()
      hung.get({ signal: controller.signal })
      controller.abort()
      await soon(20)
      for (const cache of [...caches, hung]) { cache.get(); cache.dispose(); cache.get(); cache.read(); cache.refresh(); cache.values().next() }`,
    ],
    [
      'listeners that throw or reject',
      `
      const cache = new BackgroundCache({ ttl: '1h', fetch: () => 1 })
      const bad = [() => { throw new Error('bad listener') }, async () => { throw new Error('bad listener') }, () => Promise.reject(undefined)]
      for (const listener of bad) { cache.subscribe(listener); cache.on(listener) }
      await cache.get()
      cache.set(2)
      cache.invalidate()
      await cache.refresh()
      cache.dispose()`,
    ],
    [
      'a waitUntil that throws or rejects',
      `
      for (const waitUntil of [() => { throw new Error('no context') }, async () => { throw new Error('no context') }]) {
        for (const fetch of [() => 1, fails, () => soon()]) {
          const cache = new BackgroundCache({ ttl: '1h', refreshWindow: '20m', waitUntil, fetch })
          cache.get({ waitUntil }).catch(ignore)
          cache.get({ waitUntil, maxWait: 1 }).catch(ignore)
          cache.set('held')
          travel(50)
          await cache.get({ waitUntil })
        }
      }`,
    ],
    [
      'a waitUntil that keeps the promise it was handed',
      `
      const work = []
      const cache = new BackgroundCache({ ttl: '1h', waitUntil: (promise) => { work.push(promise) }, fetch: fails })
      cache.set('held')
          travel(50)
      await cache.get()
      await cache.get({ waitUntil: (promise) => { work.push(promise) } })
      cache.invalidate()
      await cache.get({ maxWait: 1 }).catch(ignore)
      if (work.length === 0) print('was handed nothing')
      await Promise.all(work)`,
    ],
    [
      'options that throw whenever they are asked',
      `
      const bad = () => { throw new Error('bad option') }
      const schema = (validate) => ({ '~standard': { version: 1, vendor: 'test', validate } })
      const options = [{ equals: bad }, { isNewer: bad }, { expiresAt: bad }, { schema: schema(bad) }, { schema: schema(fails) },
        { random: bad, jitter: 0.5 }, { fetch: fails, classifyError: bad }, { fetch: fails, retryAfter: bad }, { fetch: fails, random: bad }]
      for (const option of options) {
        const cache = new BackgroundCache({ ttl: '1h', refreshWindow: '20m', fetch: async () => ({}), ...option })
        for (const call of [() => cache.set({}), () => cache.seed({})]) try { call() } catch {}
        cache.get(); cache.refresh(); cache.refresh()
        await soon(1)
        travel(50)
        cache.get({ maxWait: 1 })
        await soon(1)
      }`,
    ],
    [
      'fetches that fail after they were superseded, timed out or disposed of',
      `
      const late = async () => { await soon(10); throw new Error('late') }
      const cache = new BackgroundCache({ ttl: '1h', fetchTimeout: 5, fetch: late })
      cache.get(); cache.invalidate(); cache.get(); cache.set(1); cache.expire(); cache.get(); cache.refresh()
      await soon(20)
      cache.invalidate(); cache.get(); cache.refresh()
      cache.dispose()
      await soon(20)`,
    ],
    [
      'fetches that settle twice',
      `
      const twice = () => ({ then(resolve, reject) { resolve(1); reject(new Error('twice')); resolve(2); throw new Error('thrice') } })
      const cache = new BackgroundCache({ ttl: '1h', fetch: twice })
      if (await cache.get() !== 1) print('not the first')`,
    ],
    [
      'streams of a source that is down',
      `
      const { snapshots$, values$ } = await import('evercurrent/rxjs')
      const cache = new BackgroundCache({ ttl: '1h', fetch: fails })
      values$(cache).subscribe(ignore)
      snapshots$(cache).subscribe(ignore)
      cache.values().next()
      await soon(1)
      cache.dispose()`,
    ],
  ])('by %s', async (_, program) => {
    expect(await run(`${program}\nprint('to the end')`)).toEqual(ended('to the end'))
  })
})
