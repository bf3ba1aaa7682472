/** README.md, docs/ and the doc comments are executed: what they show compiles, runs, and does what it says. */
import { readFileSync } from 'node:fs'
import * as evercurrent from 'evercurrent'
import { BackgroundCache, type CacheEvent } from 'evercurrent'
import * as evercurrentRxjs from 'evercurrent/rxjs'
import * as evercurrentTesting from 'evercurrent/testing'
import { manualClock } from 'evercurrent/testing'
import * as rxjs from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { snippetWorld } from './support/snippet-world.ts'
import { execute, type Modules, type Snippet, snippetsOfDocComments, snippetsOfMarkdown, typeErrors } from './support/snippets.ts'

const modules: Modules = {
  evercurrent,
  'evercurrent/rxjs': evercurrentRxjs,
  'evercurrent/testing': evercurrentTesting,
  rxjs,
}
const text = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const readme = text('README.md')
const laws = text('docs/laws.md')

const snippets: Snippet[] = [
  ...snippetsOfMarkdown('README.md'),
  ...snippetsOfMarkdown('docs/laws.md'),
  ...snippetsOfDocComments('src', { ...modules, rxjs: { combineLatest: rxjs.combineLatest } }),
]

describe('a snippet', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('compiles', () => {
    expect(typeErrors(snippets, './support/snippet-world.ts', Object.keys(snippetWorld()))).toEqual([])
  })

  it.each(snippets)('$at runs, and its comments are true', async (snippet) => {
    const console = { log() {}, warn() {} }
    let ended = false
    const execution = execute(snippet, { ...snippetWorld(), console }, modules).finally(() => {
      ended = true
    })
    // What waits for time gets it, up to an hour; what waits for the machine gets that first.
    for (let turn = 0; !ended && turn < 200; turn++) await new Promise(setImmediate)
    for (let second = 0; !ended && second < 3600; second++) await vi.advanceTimersByTimeAsync(1000)
    expect(ended).toBe(true)
    expect((await execution).wrong).toEqual([])
  })
})
