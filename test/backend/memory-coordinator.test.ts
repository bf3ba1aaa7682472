/** memoryCoordinator: the contract of a coordinator, and the order in which it does things. */
import { memoryBackend, memoryCoordinator } from 'evercurrent/backend/memory'
import { coordinatorContract } from 'evercurrent/testing'
import { describe, expect, it } from 'vitest'
import { flush } from '../support/flush.ts'
import { settlement } from '../support/settlement.ts'

describe('memoryCoordinator fulfils the contract of a coordinator:', () => {
  const cases = coordinatorContract(() => {
    const coordinator = memoryCoordinator()
    return { connect: () => coordinator }
  })
  it.each(cases)('$name', ({ run }) => run())
})

const endless = () => new AbortController().signal

describe('memoryCoordinator', () => {
  it('wakes who waited in the order of waiting', async () => {
    const { lease } = memoryCoordinator()
    const held = await lease('k', endless())
    const woken: number[] = []
    for (const at of [1, 2, 3]) void Promise.resolve(lease('k', endless())).then(() => woken.push(at))
    await flush()
    expect(woken).toEqual([])
    await held?.release()
    await flush()
    expect(woken).toEqual([1, 2, 3])
  })

  it('rejects with the reason of the signal, before waiting and while waiting', async () => {
    const { lease } = memoryCoordinator()
    const reason = new Error('enough')
    await expect(lease('k', AbortSignal.abort(reason))).rejects.toBe(reason)
    await lease('k', endless())
    const controller = new AbortController()
    const waiting = settlement(Promise.resolve(lease('k', controller.signal)))
    controller.abort(reason)
    await flush()
    expect(waiting.error).toBe(reason)
  })

  it('leaves no listener on a signal that is used for many leases', async () => {
    const { lease } = memoryCoordinator()
    const signal = endless()
    let listeners = 0
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    Object.assign(signal, {
      addEventListener: (...given: Parameters<typeof add>) => {
        listeners++
        add(...given)
      },
      removeEventListener: (...given: Parameters<typeof remove>) => {
        listeners--
        remove(...given)
      },
    })
    for (let round = 0; round < 3; round++) {
      const held = await lease('k', signal)
      const waiting = lease('k', signal)
      expect(listeners).toBe(1)
      await held?.release()
      await waiting
    }
    expect(listeners).toBe(0)
  })

  it('gives the key to whoever asks first once it is free, waking nobody twice', async () => {
    const { lease } = memoryCoordinator()
    const held = await lease('k', endless())
    const waiting = lease('k', endless())
    await held?.release()
    const next = await lease('k', endless())
    expect(Number(next?.fence)).toBeGreaterThan(Number(held?.fence))
    expect(await waiting).toBeUndefined()
  })

  it('joins nothing by itself: a memory backend has none until it is given one', () => {
    expect(memoryBackend().coordinator).toBeUndefined()
    const coordinator = memoryCoordinator()
    expect({ ...memoryBackend(), coordinator }.coordinator).toBe(coordinator)
  })
})
