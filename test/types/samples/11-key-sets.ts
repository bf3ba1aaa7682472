/** The key sets of token issuers: one fetch for every issuer, which may find that nothing has changed. */
import { CacheRegistry, type Held, type KeyedCache } from 'evercurrent'

interface KeySet {
  readonly keys: readonly { readonly kid: string }[]
}

const keySets = new CacheRegistry({ maxEntries: 100 }).define({
  type: 'key-set',
  ttl: '10m',
  staleIfError: '1d',
  fetch: async (issuer: string, { signal, notModified }, previous: Held<KeySet> | undefined) => {
    const headers = new Headers()
    if (previous) headers.set('if-modified-since', new Date(previous.fetchedAt).toUTCString())
    const response = await fetch(`${issuer}/.well-known/jwks.json`, { signal, headers })
    return response.status === 304 ? notModified() : ((await response.json()) as KeySet)
  },
})
export const typed: KeyedCache<string, KeySet> = keySets

/** An unknown key id may be new: asks again, but at most twice a minute, whoever sends it. */
export async function keyOf(issuer: string, kid: string): Promise<{ readonly kid: string } | undefined> {
  const held = (await keySets.get(issuer)).keys.find((key) => key.kid === kid)
  return held ?? (await keySets.refresh(issuer, { ifOlderThan: '30s' })).keys.find((key) => key.kid === kid)
}

// With V spelled out K is string, and neither the key nor what is held needs its type written.
export const spelledOut = new CacheRegistry().define<KeySet>({
  type: 'key-set',
  ttl: '10m',
  fetch: async (issuer, { notModified }, previous) =>
    previous?.value.keys.length ? notModified() : { keys: [{ kid: issuer.toUpperCase() }] },
})
// @ts-expect-error an issuer is a string
void keySets.get(1)
// @ts-expect-error a time limit for readers is not one for refresh(): it waits for the fetch
void keySets.refresh('https://issuer.example', { maxWait: '1s' })
