/** Many keys in one call of the source, and a single key through the same function. */
import { BatchError, CacheRegistry, type KeyedCache } from 'evercurrent'

interface User {
  readonly id: string
  readonly name: string
}
declare function select(ids: readonly string[], signal: AbortSignal): Promise<User[]>

const users = new CacheRegistry().define({
  type: 'user',
  ttl: '1m',
  fetchMany: async (ids: readonly string[], { signal }) =>
    (await select(ids, signal)).map((user) => [user.id, user] as const),
})
export const typed: KeyedCache<string, User> = users
export const names = async (ids: string[]): Promise<string[]> =>
  [...(await users.getMany(ids, { maxWait: '1s' })).values()].map(({ name }) => name)
export const one = (): Promise<string> => users.get('u1').then(({ name }) => name)
export const fromSet = (ids: ReadonlySet<string>): Promise<Map<string, User>> => users.getMany(ids)

/** What arrived is worth something, even if not all of it did. */
export async function some(ids: string[]): Promise<ReadonlyMap<string, User>> {
  try {
    return await users.getMany(ids)
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    const { code, errors, values }: BatchError<string, User> = error
    console.log(code satisfies 'BATCH', errors.size)
    return values
  }
}

// A map does, too, and a type may have both: one function for many keys, one for a single one.
export const lengths: KeyedCache<string, number> = new CacheRegistry().define({
  type: 'length',
  ttl: '1m',
  fetch: (text: string) => text.length,
  fetchMany: (texts: readonly string[]) => new Map(texts.map((text) => [text, text.length])),
})

// @ts-expect-error keys of another type
void users.getMany([1, 2])
// @ts-expect-error several keys go in one collection
void users.getMany('u1', 'u2')
// @ts-expect-error a fetch of one key cannot fetch many: the type has its own
void users.getMany(['u1'], { fetch: () => ({ id: '', name: '' }) })
new CacheRegistry().define({
  type: 'user',
  ttl: '1m',
  // @ts-expect-error values without their keys: nobody could tell which is whose
  fetchMany: (ids: readonly string[], { signal }) => select(ids, signal),
})
