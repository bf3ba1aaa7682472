/** How a value becomes bytes that a tier can keep. */

import type { Awaitable } from '../time/awaitable.ts'

/**
 * `context.key` is the key under which the bytes are kept: bind it, as `encrypted` does, and a stored value cannot be
 * moved to another key. What `decode` throws makes the stored value a miss.
 */
export interface Codec<V> {
  encode(value: V, context: { readonly key: string }): Awaitable<Uint8Array>
  decode(bytes: Uint8Array, context: { readonly key: string }): Awaitable<V>
}
