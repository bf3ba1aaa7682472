/** The samples beside this file are checked by the compiler alone: here is what shows that it looks, and would object. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { compile, project } from '../support/compile.ts'

const folder = new URL('samples/', import.meta.url)
const samples = readdirSync(folder).map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
const directive = /^ *\/\/ @ts-expect-error (.*)$/gm

describe('npm run types', () => {
  it('compiles every sample', () => {
    const compiled = project().fileNames.filter((path) => path.startsWith(fileURLToPath(folder)))
    expect(compiled.map((path) => basename(path)).sort()).toEqual(samples.map(({ name }) => name).sort())
  })

  it('says of every refusal in a sample why it is one', () => {
    const bare = samples.filter(({ text }) => text.match(/@ts-(?!expect-error \w)/))
    expect(bare.map(({ name }) => name)).toEqual([])
  })

  it('fails for a wrong line, and for each refusal of a sample that nobody expects', () => {
    const planted = `
      import { BackgroundCache } from 'evercurrent'
      const cache = new BackgroundCache({ ttl: '30s', fetch: () => 'a' })
      export const right: Promise<string> = cache.get()
      export const wrong: Promise<number> = cache.get()
    `
    const unexpected = samples.map(({ name, text }) => [`test/types/samples/${name}`, text.replace(directive, '// $1')])
    const found = compile({ 'test/types/planted.ts': planted, ...Object.fromEntries(unexpected) })
    expect(found.filter(({ file }) => file.endsWith('planted.ts')).map(({ line }) => line)).toEqual([4])

    // A refusal may span lines, but never reaches the next directive: one complaint at least lies in each such stretch.
    for (const { name, text } of samples) {
      const stretches = [...text.matchAll(directive)].map(({ index }) => text.slice(0, index).split('\n').length - 1)
      const lines = found.filter(({ file }) => file.endsWith(name)).map(({ line }) => line)
      const silent = stretches.filter((from, at) => {
        const until = stretches[at + 1] ?? Number.POSITIVE_INFINITY
        return !lines.some((line) => line > from && line < until)
      })
      expect(silent, name).toEqual([])
    }
  })
})
