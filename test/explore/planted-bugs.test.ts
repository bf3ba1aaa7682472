/** Every planted bug still has its place: whoever rewrites that line says again how it can be wrong. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { plantedBugs } from './planted-bugs.ts'

it.each(plantedBugs)('planted bug has exactly one place in src: $name', ({ file, search, replacement }) => {
  const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
  expect(text.split(search)).toHaveLength(2)
  expect(replacement).not.toBe(search)
})
