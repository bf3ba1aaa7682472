/** What tests of tiers store and read: texts, dated. */
import type { Lookup, Stored } from 'evercurrent'

export const storedAt = (now: number, text = 'a', keepFor = 60_000): Omit<Stored, 'generation'> => ({
  bytes: new TextEncoder().encode(text),
  fetchedAt: now,
  expiresAt: now + keepFor / 2,
  keepUntil: now + keepFor,
})

export const textOf = ({ stored }: Lookup): string | undefined => stored && new TextDecoder().decode(stored.bytes)
