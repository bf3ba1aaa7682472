/** What a schema makes of the fetched value is the type of the cache. */
import { BackgroundCache, type StandardSchema } from 'evercurrent'
import * as z from 'zod'

const isoDate = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
})
const Report = z.object({ at: isoDate, sizes: z.array(z.number()) })

const report = new BackgroundCache({
  ttl: '1m',
  schema: Report,
  fetch: async ({ signal }) => (await fetch('https://api.example/report', { signal })).json(),
})
export const at = async (): Promise<Date> => (await report.get()).at
export const sizes: readonly number[] | undefined = report.peek()?.sizes

const nullable = new BackgroundCache({ ttl: 1, schema: z.object({ id: z.number() }).nullable(), fetch: () => null })
export const row = async (): Promise<{ id: number } | null> => nullable.get()

const lengths = new BackgroundCache({ ttl: 1, schema: z.string().transform((text) => text.length), fetch: () => 'abc' })
export const length: number | undefined = lengths.peek()
// @ts-expect-error the transformed value, not the fetched one
export const text: string | undefined = lengths.peek()

// Any Standard Schema does, and a cache without a fetch of its own may have one too.
declare const byHand: StandardSchema<{ readonly plan: string }>
const perCall = new BackgroundCache({ ttl: 1, schema: byHand })
export const plan = async (): Promise<string> => (await perCall.get(() => ({ plan: 'pro' }))).plan

// @ts-expect-error a schema whose output may be undefined: undefined is not a value
new BackgroundCache({ ttl: 1, schema: z.string().optional(), fetch: () => 'a' })
