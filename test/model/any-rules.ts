/** Any sensible policy, as an arbitrary of fast-check that shrinks towards a plain one. */
import * as fc from 'fast-check'
import type { Rules } from '../explore/rules.ts'

const milliseconds = (least: number, most: number) => fc.integer({ min: least, max: most })

const backoff = fc.option(fc.record({ base: milliseconds(500, 20_000), max: milliseconds(20_000, 200_000) }), {
  nil: false as const,
})

export const anyRules: fc.Arbitrary<Rules> = fc
  .record({
    ttl: fc.oneof(milliseconds(2, 200_000), fc.constant(Infinity)),
    share: fc.option(fc.integer({ min: 0, max: 99 }), { nil: undefined }),
    staleIfError: fc.oneof(fc.constant(0), milliseconds(0, 100_000)),
    fetchTimeout: fc.oneof(fc.constant(Infinity), milliseconds(500, 100_000)),
    backoff,
    jitter: fc.constantFrom(0, 0.5, 1),
    draw: fc.constantFrom(0, 0.25, 0.5),
    ownLife: fc.oneof(fc.constant(Infinity), milliseconds(2, 200_000), milliseconds(1_000_000, 9_000_000)),
    ordered: fc.boolean(),
    startAt: fc.constantFrom(0, 2 ** 31 - 50_000),
  })
  .map(({ share, ...drawn }) => {
    const endless = drawn.ttl === Infinity && drawn.ownLife === Infinity
    const ttl = endless ? 10_000 : drawn.ttl
    const refreshWindow = share === undefined ? undefined : Math.floor((Math.min(ttl, 200_000) * share) / 100)
    // Or one lapse of time is thousands of time-outs.
    const fetchTimeout = Math.max(drawn.fetchTimeout, Math.ceil(Math.min(ttl, drawn.ownLife) / 50))
    return { ...drawn, name: 'any', ttl, refreshWindow, fetchTimeout }
  })
