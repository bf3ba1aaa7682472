/** What is measured of a storage tier, from events that the test makes up. */
import { BackendError } from 'evercurrent'
import { instrument } from 'evercurrent/otel'
import { describe, expect, it } from 'vitest'
import { fakeSource, sdkMeter } from '../support/metrics.ts'

const key = { type: 'schema', namespace: ['acme'], key: ['orders'] }

describe('the health of a tier', () => {
  it('is counted by the operation that failed, and why', async () => {
    const { meter, points } = sdkMeter()
    const { source, tell } = fakeSource()
    instrument(source, meter)
    const unreachable = new BackendError('no answer', { operation: 'get', reason: 'unreachable' })
    for (let count = 0; count < 2; count++) tell({ kind: 'backend-failed', operation: 'get', error: unreachable }, key)
    tell({ kind: 'backend-failed', operation: 'deletePrefix', error: new Error('ECONNRESET 10.0.0.7') })
    expect(await points('backend.failures')).toEqual({
      'backend.operation=get error.type=unreachable type=schema': 2,
      'backend.operation=deletePrefix error.type=_OTHER': 1,
    })
  })

  it('is 1 while it is left alone, 0 after that, and says nothing before it is known', async () => {
    const { meter, points } = sdkMeter()
    const [one, other] = [fakeSource(), fakeSource()]
    const stop = instrument(one.source, meter)
    instrument(other.source, meter)
    expect(await points('backend.suspended')).toEqual({})
    one.tell({ kind: 'backend-suspended', until: 1000 })
    one.tell({ kind: 'backend-suspended', until: 3000 })
    expect(await points('backend.suspended')).toEqual({ '': 1 })
    other.tell({ kind: 'backend-suspended', until: 1000 })
    expect(await points('backend.suspended')).toEqual({ '': 2 })
    other.tell({ kind: 'backend-resumed' })
    expect(await points('backend.suspended')).toEqual({ '': 1 })
    stop()
    expect(await points('backend.suspended')).toEqual({ '': 0 })
  })

  it('has the stored values that were rejected, by reason, and the fetches that it refused', async () => {
    const { meter, points } = sdkMeter()
    const { source, tell } = fakeSource()
    instrument(source, meter)
    for (const because of ['flipped', 'schema', 'flipped'] as const)
      tell({ kind: 'stored-value-rejected', because }, key)
    tell({ kind: 'fetch-discarded', because: 'refused' }, key)
    expect(await points('backend.rejected_values')).toEqual({
      'rejection.reason=flipped type=schema': 2,
      'rejection.reason=schema type=schema': 1,
    })
    expect(await points('fetch.discards')).toEqual({ 'discard.reason=refused type=schema': 1 })
  })

  it('counts what it answered apart from what memory answered', async () => {
    const { meter, points } = sdkMeter()
    const { source } = fakeSource()
    const stats = { hits: 10, backendHits: 3, misses: 1 }
    Object.assign(source, { stats: () => ({ ...stats }) })
    instrument(source, meter)
    Object.assign(stats, { hits: 15, backendHits: 5, misses: 2 })
    expect(await points('reads')).toEqual({ 'read.result=hit': 5, 'read.result=backend_hit': 2, 'read.result=miss': 1 })
  })

  it('is no longer listened to once it has ended', () => {
    const { meter } = sdkMeter()
    const { source, listeners } = fakeSource()
    const stop = instrument(source, meter)
    expect(listeners.size).toBe(1)
    stop()
    expect(listeners.size).toBe(0)
  })
})
