/** The fuzzer finds nothing here, and would find an envelope that believes a byte too much. */
import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { openEnvelope } from '../../src/codec/envelope.ts'
import { fuzz } from './fuzz.ts'

it('damaged bytes give the value that was stored, or none', async () => {
  const { inputs, answers } = await fuzz(5000, 20)
  expect(Object.keys(inputs)).toHaveLength(9)
  expect(Object.keys(answers)).toEqual(
    expect.arrayContaining(['truncated', 'flipped', 'foreign', 'other-key', 'refused']),
  )
})

it.each<[string, typeof openEnvelope]>([
  [
    'compares no checksum',
    (bytes, expected) => {
      const copy = bytes.slice()
      if (copy.length > 4) new DataView(copy.buffer).setUint32(copy.length - 4, crc32(copy.subarray(0, -4)))
      return openEnvelope(copy, expected)
    },
  ],
  [
    'throws for what is too short',
    (bytes, expected) => {
      if (bytes.length < 5) throw new RangeError('too short')
      return openEnvelope(bytes, expected)
    },
  ],
  ['asks for no time', (bytes, expected) => openEnvelope(bytes, { ...expected, now: Infinity })],
])('an envelope that %s is found out, with the seed and the input', async (_, planted) => {
  await expect(fuzz(5000, 20, planted)).rejects.toThrow(/^seed 20, input \d+ \((re)?sealed \w+\): .+: [0-9a-f]*$/)
})
