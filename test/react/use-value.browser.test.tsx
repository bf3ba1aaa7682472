/** `useValue`: suspends until there is a value and never again, and what becomes of errors. */
import { BackgroundCache, CacheRegistry } from 'evercurrent'
import { useValue } from 'evercurrent/react'
import { controlledFetch, manualClock } from 'evercurrent/testing'
import { Component, type ReactNode, StrictMode, Suspense } from 'react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { mount, settled } from '../support/mounted.tsx'

class Boundary extends Component<{ readonly children: ReactNode }, { readonly error?: Error }> {
  override state: { readonly error?: Error } = {}
  static getDerivedStateFromError = (error: Error) => ({ error })
  override render() {
    const { error } = this.state
    return error ? (
      <button type="button" onClick={() => this.setState({ error: undefined as never })}>
        failed: {error.message}
      </button>
    ) : (
      this.props.children
    )
  }
}

const versioned = () => {
  const clock = manualClock()
  const fetch = controlledFetch<string>()
  const cache = new BackgroundCache({ ttl: '10s', refreshWindow: '2s', clock, fetch })
  const fallbacks = vi.fn()
  const Waiting = () => {
    fallbacks()
    return 'waiting'
  }
  const Value = () => useValue(cache)
  const node = (
    <Boundary>
      <Suspense fallback={<Waiting />}>
        <Value />
      </Suspense>
    </Boundary>
  )
  return { clock, fetch, cache, fallbacks, node }
}

/** React complains in the console about promises that it cannot tell again. */
let complaints: unknown[][]
beforeEach(() => {
  complaints = vi.spyOn(console, 'error').mockImplementation(() => {}).mock.calls
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('useValue(cache)', () => {
  it('suspends while nothing is held, fetches once, and shows every value after that', async () => {
    const { clock, fetch, fallbacks, node } = versioned()
    const page = await mount(<StrictMode>{node}</StrictMode>)
    expect(page.text()).toBe('waiting')
    expect(fetch.calls).toBe(1)
    await settled(() => fetch.resolve('a'))
    expect(page.text()).toBe('a')
    fallbacks.mockClear()
    await settled(() => clock.advance(8000))
    expect(page.text()).toBe('a')
    await settled(() => fetch.resolve('b'))
    expect(page.text()).toBe('b')
    expect(fallbacks).not.toHaveBeenCalled()
    expect(complaints).toEqual([])
  })

  it('two boundaries that wait for one value both come to show it', async () => {
    const { fetch, node } = versioned()
    const page = await mount([<p key="1">{node}</p>, <p key="2">{node}</p>])
    await settled(() => fetch.resolve('a'))
    expect(page.text()).toBe('aa')
    expect([fetch.calls, complaints]).toEqual([1, []])
  })

  it('does not suspend where a value is held already', async () => {
    const { cache, fallbacks, node } = versioned()
    cache.set('held')
    const page = await mount(node)
    expect(page.text()).toBe('held')
    expect(fallbacks).not.toHaveBeenCalled()
  })

  it.each(['invalidated', 'expired', 'disposed'] as const)(
    'shows what it has shown when the value is %s, without suspending again',
    async (how) => {
      const { clock, fetch, cache, fallbacks, node } = versioned()
      const page = await mount(node)
      await settled(() => fetch.resolve('a'))
      fallbacks.mockClear()
      await settled(async () => {
        if (how === 'invalidated') cache.invalidate()
        else if (how === 'disposed') cache.dispose()
        else await clock.advance(11_000)
      })
      expect(page.text()).toBe('a')
      if (how !== 'disposed') {
        await settled(() => fetch.resolve('b'))
        expect(page.text()).toBe('b')
      }
      expect(fallbacks).not.toHaveBeenCalled()
    },
  )

  it('null is a value: nothing suspends for it', async () => {
    const cache = new BackgroundCache<string | null>({ ttl: '1m', fetch: async () => null })
    const Value = () => `${useValue(cache)}`
    const page = await mount(
      <Suspense fallback="waiting">
        <Value />
      </Suspense>,
    )
    expect(page.text()).toBe('null')
    await settled(() => cache.set('a'))
    await settled(() => cache.set(null))
    expect(page.text()).toBe('null')
  })

  it('a first fetch that fails shows the boundary, and a reset after a refresh shows the value', async () => {
    const { fetch, cache, node } = versioned()
    const page = await mount(node)
    await settled(() => fetch.reject(new Error('down')))
    expect(page.text()).toBe('failed: down')
    const reset = () => settled(() => document.querySelector('button')?.click())
    await reset()
    // The cool-down answers at once, and the source is left alone.
    expect(page.text()).toBe('failed: down')
    expect(fetch.calls).toBe(1)
    const again = cache.refresh()
    await fetch.resolve('a')
    await again
    await reset()
    expect(page.text()).toBe('a')
    expect(complaints.filter(([first]) => /promise|use\(\)/.test(`${first}`))).toEqual([])
  })

  it('a value that was set while it waited is shown', async () => {
    const { cache, node } = versioned()
    const page = await mount(node)
    await settled(() => cache.set('set'))
    expect(page.text()).toBe('set')
  })

  it('takes an entry of a registry, and suspends anew for another key', async () => {
    const fetches: string[] = []
    const users = new CacheRegistry().define({
      type: 'user',
      ttl: '1m',
      fetch: async (id: string) => {
        fetches.push(id)
        return `name of ${id}`
      },
    })
    const Name = ({ id }: { id: string }) => useValue(users.entry(id))
    const page = await mount(
      <Suspense fallback="waiting">
        <Name id="a" />
      </Suspense>,
    )
    expect(page.text()).toBe('name of a')
    await page.render(
      <Suspense fallback="waiting">
        <Name id="b" />
      </Suspense>,
    )
    expect(page.text()).toBe('name of b')
    expect(fetches).toEqual(['a', 'b'])
  })
})
