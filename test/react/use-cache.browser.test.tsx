/** `useCache`: what is shown, how often a component renders for it, and how long the cache is kept fresh. */
import { BackgroundCache, type CacheEvent, CacheRegistry, type Snapshot } from 'evercurrent'
import { useCache } from 'evercurrent/react'
import { controlledFetch, manualClock } from 'evercurrent/testing'
import { StrictMode, startTransition, useLayoutEffect, useRef, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { describe, expect, it, vi } from 'vitest'
import { mount, settled, withoutAct } from '../support/mounted.tsx'

const priced = () => {
  const clock = manualClock()
  const fetch = controlledFetch<{ eur: number }>()
  const cache = new BackgroundCache({
    ttl: '10s',
    refreshWindow: '2s',
    clock,
    fetch,
    equals: (a, b) => a.eur === b.eur,
  })
  return { clock, fetch, cache }
}

describe('useCache(cache)', () => {
  it('shows nothing, the value, its successors and the failure between them', async () => {
    const { clock, fetch, cache } = priced()
    const Price = () => {
      const { status, value, failure } = useCache(cache)
      return `${status} ${value?.eur ?? '-'} ${failure ? (failure.error as Error).message : ''}`.trim()
    }
    const page = await mount(<Price />)
    expect(page.text()).toBe('refreshing -')
    await settled(() => fetch.resolve({ eur: 1 }))
    expect(page.text()).toBe('current 1')
    await settled(() => clock.advance(8000))
    expect(page.text()).toBe('refreshing 1')
    await settled(() => fetch.reject(new Error('down')))
    expect(page.text()).toBe('current 1 down')
    await settled(() => clock.advance(1000))
    await settled(() => fetch.resolve({ eur: 2 }))
    expect(page.text()).toBe('current 2')
    await settled(() => cache.set({ eur: 3 }))
    expect(page.text()).toBe('current 3')
    await settled(() => cache.dispose())
    expect(page.text()).toBe('disposed -')
  })

  it('renders at most twice for a refresh', async () => {
    const { clock, fetch, cache } = priced()
    const render = vi.fn()
    const Whole = () => {
      render(useCache(cache))
      return null
    }
    await mount(<Whole />)
    await settled(() => fetch.resolve({ eur: 1 }))
    render.mockClear()
    await settled(() => clock.advance(8000))
    await settled(() => fetch.resolve({ eur: 2 }))
    expect(render).toHaveBeenCalledTimes(2)
  })

  it('only observes a cache without a fetch of its own', async () => {
    const cache = new BackgroundCache<number>({ ttl: '1m' })
    const Shown = () => useCache(cache).value ?? 'nothing'
    const page = await mount(<Shown />)
    expect(page.text()).toBe('nothing')
    await settled(() => cache.set(1))
    expect(page.text()).toBe('1')
  })

  it('follows another cache as soon as it is given one', async () => {
    const caches = [1, 2].map((value) => new BackgroundCache({ ttl: '1m', fetch: async () => value }))
    const Shown = ({ at }: { at: number }) => useCache(caches[at] as BackgroundCache<number>).value ?? '…'
    const page = await mount(<Shown at={0} />)
    expect(page.text()).toBe('1')
    await page.render(<Shown at={1} />)
    expect(page.text()).toBe('2')
    await settled(() => caches[0]?.set(3))
    expect(page.text()).toBe('2')
  })
})

describe('useCache(cache, select)', () => {
  it('renders zero times for a refresh that brings the same or an equal value, once for another', async () => {
    const clock = manualClock()
    const brought: ((not: () => never) => { eur: number })[] = [
      () => ({ eur: 1 }),
      (notModified) => notModified(),
      () => ({ eur: 1 }),
      () => ({ eur: 2 }),
    ]
    const cache = new BackgroundCache<{ eur: number }>({
      ttl: '10s',
      clock,
      equals: (a, b) => a.eur === b.eur,
      fetch: ({ notModified }) => (brought.shift() as (typeof brought)[0])(notModified as () => never),
    })
    const render = vi.fn()
    const Value = () => {
      const value = useCache(cache, ({ value }) => value)
      render(value?.eur)
      return null
    }
    await mount(<Value />)
    render.mockClear()
    await settled(() => clock.advance(8000))
    await settled(() => clock.advance(8000))
    expect(brought.length).toBe(1)
    expect(render).not.toHaveBeenCalled()
    await settled(() => clock.advance(8000))
    expect(render.mock.calls).toEqual([[2]])
  })

  it('an inline selector that makes a new object each time does not loop', async () => {
    const { fetch, cache } = priced()
    const render = vi.fn()
    const complain = vi.spyOn(console, 'error')
    const Fresh = () => {
      const { price } = useCache(cache, ({ value }) => ({ price: value?.eur }))
      render(price)
      return null
    }
    await mount(<Fresh />)
    await settled(() => fetch.resolve({ eur: 1 }))
    expect(render.mock.calls.length).toBeLessThan(6)
    expect(complain).not.toHaveBeenCalled()
    complain.mockRestore()
  })

  it('a selector that closes over a prop selects anew when the prop changes', async () => {
    const cache = new BackgroundCache({ ttl: '1m', fetch: async () => ['a', 'b'] })
    const At = ({ at }: { at: number }) => useCache(cache, ({ value }) => value?.[at]) ?? '…'
    const page = await mount(<At at={0} />)
    expect(page.text()).toBe('a')
    await page.render(<At at={1} />)
    expect(page.text()).toBe('b')
  })
})

describe('useCache(keyed, key)', () => {
  const users = () => {
    const registry = new CacheRegistry()
    const events: CacheEvent[] = []
    registry.on((event) => void events.push(event))
    const keyed = registry.define({
      type: 'user',
      ttl: '1m',
      fetch: async (id: string) => ({ id, name: `name of ${id}` }),
    })
    return { registry, events, keyed }
  }

  it('shows the key it is given, and another when that changes', async () => {
    const { keyed, events } = users()
    const Name = ({ id }: { id: string }) => useCache(keyed, id, ({ value }) => value?.name) ?? '…'
    const page = await mount(<Name id="a" />)
    expect(page.text()).toBe('name of a')
    await page.render(<Name id="b" />)
    expect(page.text()).toBe('name of b')
    await page.render(<Name id="b" />)
    expect(events.filter(({ kind }) => kind === 'fetch-started').map(({ key }) => key)).toEqual([['a'], ['b']])
  })

  it('an entry asked for anew at each render is subscribed to once', async () => {
    const { keyed } = users()
    const Name = ({ n }: { n: number }) => `${n} ${useCache(keyed.entry('a'), ({ value }) => value?.name)}`
    const page = await mount(<Name n={0} />)
    await page.render(<Name n={1} />)
    const before = keyed.entry('a').inspect().observers
    for (let n = 2; n < 10; n++) await page.render(<Name n={n} />)
    expect(page.text()).toBe('9 name of a')
    expect([before, keyed.entry('a').inspect().observers]).toEqual([1, 1])
  })

  it('a key that is shown is not evicted, and is when it is not shown any more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const registry = new CacheRegistry({ maxEntries: 1 })
    const keyed = registry.define({ type: 'n', ttl: '1m', fetch: async (id: string) => id })
    const Shown = () => useCache(keyed, 'shown').value ?? '…'
    const page = await mount(<Shown />)
    await keyed.get('other')
    expect(keyed.peek('shown')).toBe('shown')
    await page.unmount()
    await vi.advanceTimersByTimeAsync(1000)
    await keyed.get('third')
    expect(keyed.size).toBe(1)
    vi.useRealTimers()
  })
})

describe('a mounted component', () => {
  it('keeps the cache fresh, and for a second longer: a remount neither stops nor starts anything', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    const fetch = vi.fn(async () => 1)
    const cache = new BackgroundCache({ ttl: '10s', refreshWindow: '2s', fetch })
    const hold = vi.spyOn(cache, 'keepFresh')
    const Shown = () => useCache(cache, ({ value }) => value) ?? '…'
    const page = await mount(<Shown />)
    await settled(() => vi.advanceTimersByTimeAsync(8000))
    expect(fetch).toHaveBeenCalledTimes(2)
    await page.render(null)
    await settled(() => vi.advanceTimersByTimeAsync(500))
    await page.render(<Shown />)
    await settled(() => vi.advanceTimersByTimeAsync(7500))
    expect(fetch).toHaveBeenCalledTimes(3)
    await page.unmount()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(fetch).toHaveBeenCalledTimes(3)
    expect(hold).toHaveBeenCalledTimes(2)
    vi.useRealTimers()
  })

  it('in strict mode fetches once and holds the cache once', async () => {
    const fetch = vi.fn(async () => 1)
    const cache = new BackgroundCache({ ttl: '1m', fetch })
    const Shown = () => useCache(cache).value ?? '…'
    const page = await mount(
      <StrictMode>
        <Shown />
      </StrictMode>,
    )
    expect(page.text()).toBe('1')
    expect(fetch).toHaveBeenCalledTimes(1)
    expect(cache.inspect().observers).toBe(1)
  })

  it('one of a thousand on one cache adds no fetch: one refresh for all, one render each', async () => {
    const { clock, fetch, cache } = priced()
    let renders = 0
    const Value = () => {
      renders++
      return useCache(cache, ({ value }) => value)?.eur ?? '-'
    }
    const page = await mount(Array.from({ length: 1000 }, (_, at) => <Value key={at.toString()} />))
    await settled(() => fetch.resolve({ eur: 1 }))
    expect(page.text()).toBe('1'.repeat(1000))
    renders = 0
    await settled(() => clock.advance(8000))
    expect(fetch.pending).toBe(1)
    await settled(() => fetch.resolve({ eur: 2 }))
    expect(page.text()).toBe('2'.repeat(1000))
    expect([fetch.calls, renders]).toEqual([2, 1000])
  })

  it('shows the same as its neighbours whenever the page is painted, also when the value changes amid a render', async () => {
    const cache = new BackgroundCache<number>({ ttl: '1m' })
    cache.set(0)
    const rendered: (number | undefined)[] = []
    const committed: string[] = []
    let turn = (_: number) => {}
    let change: (() => void) | undefined
    const Part = ({ at }: { at: number }) => {
      const value = useCache(cache, (snapshot) => snapshot.value)
      rendered.push(value)
      // In a transition React gives way after 5 ms to what happened meanwhile: here, the value changes.
      if (at === 5 && change) {
        change()
        const end = performance.now() + 30
        while (performance.now() < end);
      }
      return value
    }
    const All = () => {
      const [round, setRound] = useState(0)
      turn = setRound
      const root = useRef<HTMLDivElement>(null)
      useLayoutEffect(() => void committed.push(root.current?.textContent ?? ''))
      return (
        <div ref={root}>
          {Array.from({ length: 10 }, (_, at) => (
            <Part key={`${round}-${at.toString()}`} at={at} />
          ))}
        </div>
      )
    }
    await withoutAct(async () => {
      const page = document.createElement('div')
      const root = createRoot(page)
      root.render(<All />)
      await vi.waitFor(() => expect(page.textContent).toBe('0000000000'))
      rendered.length = 0
      startTransition(() => turn(1))
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => cache.set(1)
      change = () => {
        port2.postMessage('now')
        change = undefined
      }
      await vi.waitFor(() => expect(page.textContent).toBe('1111111111'))
      root.unmount()
    })
    expect(rendered.slice(0, 10)).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    expect(committed.filter((text) => !/^(0*|1*)$/.test(text))).toEqual([])
  })
})

it('a snapshot is typed as what the cache holds', () => {
  const cache = new BackgroundCache({ ttl: '1m', fetch: async () => ({ eur: 1 }) })
  const Typed = () => {
    const snapshot: Snapshot<{ eur: number }> = useCache(cache)
    const selected: number | undefined = useCache(cache, ({ value }) => value?.eur)
    return `${snapshot.status}${selected}`
  }
  expect(Typed).toBeTypeOf('function')
})
