/** What a key is: one or more strings, compared part by part, so that `['a', 'bc']` is never taken for `['ab', 'c']`. */

import { refuse } from '../policy/options.ts'

export type KeyParts = string | readonly string[]

/**
 * A key as one string, to look up in memory. A key of one part is that part, so it costs nothing; only such a key that
 * begins with the mark of the others is written like them.
 */
export type KeyId = string

const mark = '\0'

/** Throws `TypeError` for anything but a string or an array of at least one. */
export function idOf(parts: unknown): KeyId {
  // The code of its first character: this is on the path of every read.
  if (typeof parts === 'string') return parts.charCodeAt(0) === 0 ? joined([parts]) : parts
  if (!Array.isArray(parts) || !parts.length || !parts.every((part) => typeof part === 'string')) {
    refuse('a key', 'a string or an array of strings (does its type need key()?)', parts)
  }
  return parts.length === 1 ? idOf(parts[0]) : joined(parts)
}

/** Each part behind its length. */
function joined(parts: readonly string[]): KeyId {
  return parts.reduce((id, part) => `${id}${part.length}:${part}`, mark)
}

export function partsOf(id: KeyId): readonly string[] {
  if (!id.startsWith(mark)) return Object.freeze([id])
  const parts: string[] = []
  for (let at = 1; at < id.length; ) {
    const colon = id.indexOf(':', at)
    const end = colon + 1 + Number(id.slice(at, colon))
    parts.push(id.slice(colon + 1, end))
    at = end
  }
  return Object.freeze(parts)
}

/** Whether the key begins with these whole parts. */
export function hasPrefix(id: KeyId, prefix: readonly string[]): boolean {
  const parts = partsOf(id)
  return prefix.every((part, at) => parts[at] === part)
}
