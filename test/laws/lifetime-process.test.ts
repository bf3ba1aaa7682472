/** L20: what keeps a process alive, seen in processes of their own. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

describe('a process', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  /** Runs a program; a watchdog that holds nothing itself ends it with 7 when it is still alive after a while. */
  const run = (program: string): Promise<number> =>
    new Promise((resolve) => {
      const source = `
        import { BackgroundCache } from 'evercurrent'
        setTimeout(() => process.exit(7), 1500).unref()
        const hung = () => new Promise(() => {})
        ${program}`
      const child = execFile(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '--eval', source],
        { cwd: root },
        () => {},
      )
      child.on('exit', (code) => resolve(code ?? -1))
    })

  it.each([
    ['ends although a fetch hangs', 'void new BackgroundCache({ ttl: 60_000, fetch: hung }).get().catch(() => {})', 0],
    [
      'ends although a cool-down runs and somebody observes',
      `const cache = new BackgroundCache({ ttl: 60_000, fetch: () => Promise.reject(new Error('down')) })
       cache.subscribe(() => {})
       await cache.get().catch(() => {})`,
      0,
    ],
    ['lives while keepFresh() is held', 'new BackgroundCache({ ttl: 60_000, fetch: () => 1 }).keepFresh()', 7],
    [
      'ends when it was released',
      `const release = new BackgroundCache({ ttl: 60_000, fetch: () => 1 }).keepFresh()
       setTimeout(release, 20)`,
      0,
    ],
    [
      'ends when the cache was disposed',
      `const cache = new BackgroundCache({ ttl: 60_000, fetch: () => 1 })
       cache.keepFresh()
       setTimeout(() => cache.dispose(), 20)`,
      0,
    ],
  ])('L20 %s', async (_, program, code) => {
    await expect(run(program)).resolves.toBe(code)
  })
})
