/** Bugs of the registry that were found once, each as the shortest way to see it. */
import { CacheRegistry } from 'evercurrent'
import { manualClock } from 'evercurrent/testing'
import { expect, it, vi } from 'vitest'

const source = () => {
  const answers = new Map<string, () => string>()
  return { answers, fetch: async (key: string) => (answers.get(key) ?? (() => key))() }
}
const refuse = () => {
  throw new Error('down')
}

it('peek() and tryGet() of a key whose refresh failed are no use of it: it is still the first to be evicted', async () => {
  const { answers, fetch } = source()
  const cache = new CacheRegistry({ maxEntries: 2, clock: manualClock() }).define({ type: 'text', ttl: '30s', fetch })
  await cache.get('a')
  answers.set('a', refuse)
  await cache.refresh('a').catch(() => {})
  await cache.get('b')

  expect(cache.peek('a')).toBe('a')
  expect(cache.tryGet('a')).toBe('a')
  await cache.get('c')

  expect([...cache.keys()].flat().sort()).toEqual(['b', 'c'])
})

it('peek() evicts nothing, whatever is observed beyond the budget', async () => {
  const { answers, fetch } = source()
  const cache = new CacheRegistry({ maxEntries: 1, clock: manualClock() }).define({ type: 'text', ttl: '30s', fetch })
  const observed = cache.entry('b')
  const end = observed.subscribe(() => {})
  await cache.get('a')
  answers.set('a', refuse)
  await cache.refresh('a').catch(() => {})
  await observed.get()

  expect([cache.peek('a'), cache.peek('a')]).toEqual(['a', 'a'])
  end()
})

it('the estimate counts two slots of an array of two', async () => {
  const registry = new CacheRegistry({ maxBytes: 1000 })
  await registry.define<string[]>({ type: 'a', ttl: '1m' }).set('k', ['ab', 'cd'])
  expect(registry.stats().bytes).toBe(16 + 2 * 8 + 2 * 4)
})

it('a value larger than maxBytes drives out nothing else', async () => {
  const texts = new CacheRegistry({ maxBytes: 100 }).define<string>({ type: 'a', ttl: '1m' })
  await texts.set('small', 'a')
  await texts.set('huge', 'x'.repeat(1000))
  expect([texts.peek('small'), texts.peek('huge'), texts.size]).toEqual(['a', undefined, 1])
})

it("a key whose error classifyError calls 'gone' is absent from getMany(), as one that fetchMany leaves out", async () => {
  const fetch = (key: string) => (key === 'x' ? refuse() : key)
  const texts = new CacheRegistry().define({ type: 'a', ttl: '1m', fetch, classifyError: () => 'gone' })
  expect([...(await texts.getMany(['a', 'x'])).keys()]).toEqual(['a'])
  expect([...(await texts.getMany(['x', 'a'])).keys()]).toEqual(['a'])
})

it('two tenants are told apart by inspect() and events; a key of the root has no namespace', async () => {
  const registry = new CacheRegistry()
  const heard: unknown[] = []
  registry.on((event) => heard.push(event.namespace))
  const texts = registry.define<string>({ type: 'a', ttl: '1m' })
  await texts.set('k', '0')
  await texts.namespace('acme').set('k', '1')
  await texts.namespace('globex').namespace('eu').set('k', '2')
  const names = [undefined, ['acme'], ['globex', 'eu']]
  expect([...registry.inspect()].map(({ namespace }) => namespace)).toEqual(names)
  expect(heard).toEqual(names)
})

it('getMany() refuses one string, which would be read as its letters', async () => {
  const texts = new CacheRegistry().define({ type: 'a', ttl: '1m', fetch: (key: string) => key })
  await expect(texts.getMany('abc')).rejects.toThrow(
    "Cannot use the keys of getMany(): expected an array or another iterable, not one key: received 'abc'",
  )
})

it('a value that was replaced, dropped or evicted is not in the promise of the next read', async () => {
  const texts = new CacheRegistry({ maxEntries: 1 }).define<string>({ type: 'a', ttl: '1m' })
  const read = () => texts.get('k', { fetch: () => 'fetched' })
  await texts.set('k', 'one')
  expect(await read()).toBe('one')
  await texts.set('k', 'two')
  expect(await read()).toBe('two')
  await texts.set('other', 'three')
  expect(await read()).toBe('fetched')
})

it('a key is forgotten once an overtaken fetch of it has answered those who waited', async () => {
  let answer = (_: string) => {}
  const fetch = () =>
    new Promise<string>((resolve) => {
      answer = resolve
    })
  const registry = new CacheRegistry()
  const texts = registry.define({ type: 'a', ttl: '1m', fetch })
  const read = texts.get('k')
  await texts.invalidate('k')
  expect([...registry.inspect()]).toMatchObject([{ key: ['k'], waiting: 1 }])
  answer('old')
  expect(await read).toBe('old')
  expect([...registry.inspect()]).toEqual([])
})

it('walking keys() ends, though each of them is dropped and fetched again on the way', async () => {
  const texts = new CacheRegistry().define({ type: 'a', ttl: '1m', fetch: (key: string) => key })
  await texts.getMany(['a', 'b', 'c'])
  const seen: (string | undefined)[] = []
  for (const [key = ''] of texts.keys()) {
    seen.push(key)
    if (seen.length > 3) break
    await texts.invalidate(key)
    if (key === 'a') await texts.invalidate('b')
    await texts.get(key)
  }
  expect(seen).toEqual(['a', 'c'])
})

it('a size beyond all measure is one of something that is not kept, and the others are counted on', async () => {
  const sizeOf = (value: string) => (value === 'huge' ? Number.MAX_VALUE : 10)
  const registry = new CacheRegistry({ maxBytes: 25 })
  const texts = registry.define<string>({ type: 'a', ttl: '1m', sizeOf })
  await texts.set('one', 'small')
  await texts.set('two', 'huge')
  expect([...texts.keys()]).toEqual([['one']])
  expect(registry.stats().bytes).toBe(10)
  for (const key of ['three', 'four', 'five']) await texts.set(key, 'small')
  expect([...texts.keys()]).toEqual([['four'], ['five']])
  expect(registry.stats().bytes).toBe(20)
})

it('a batch may have more keys than a call can have arguments', async () => {
  const fetchMany = (asked: readonly string[]) => asked.map((key) => [key, key.length] as const)
  const lengths = new CacheRegistry().define({ type: 'length', ttl: '1m', fetchMany })
  const keys = Array.from({ length: 100 }, (_, at) => `key ${at}`)
  // A few hundred thousand keys would show it by a RangeError, and take seconds.
  const least = vi.spyOn(Math, 'min')
  const found = await lengths.getMany(keys)
  const mostArguments = Math.max(...least.mock.calls.map((given) => given.length))
  least.mockRestore()
  expect(found.size).toBe(100)
  expect(mostArguments).toBe(2)
})
