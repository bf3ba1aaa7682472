/** A key as tiers and other processes know it: where it stands, of which type it is, and its parts, in plain ASCII. */

/** Whatever could be mistaken, or folded by somebody's encoding of text: each UTF-16 unit for itself. */
const unsafe = /[^!-$&-~]/g

/** Tag, length and text: no part is the beginning of another, and none is taken for one of another kind. */
function tagged(tag: 'n' | 't' | 'k', part: string): string {
  const text = part.replace(unsafe, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${tag}${text.length}:${text}`
}

/** What all keys of a namespace and those below it begin with. */
export function namespacePrefix(path: readonly string[]): string {
  return path.map((name) => tagged('n', name)).join('')
}

/** What all keys of a type in one namespace begin with. */
export function typePrefix(path: readonly string[], type: string, version: number): string {
  return namespacePrefix(path) + tagged('t', `${type}@${version}`)
}

/** What a key of several parts, or all that begin with them, add to that. */
export function partsSuffix(parts: readonly string[]): string {
  return parts.map((part) => tagged('k', part)).join('')
}

/** The parts that a suffix was made of; `undefined`: it is no such suffix. */
export function partsOfSuffix(suffix: string): readonly string[] | undefined {
  const parts: string[] = []
  for (let at = 0; at < suffix.length; ) {
    const colon = suffix.indexOf(':', at)
    const start = colon + 1
    const length = Number(suffix.slice(at + 1, colon))
    const text = suffix.slice(start, start + length)
    if (suffix[at] !== 'k' || colon < 0 || text.length !== length) return undefined
    parts.push(text.replace(/%(....)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))))
    at = start + length
  }
  return parts
}

/** Of a full key, the part that its type's other keys in the same namespace begin with. */
export function typePrefixOf(key: string): string {
  let at = 0
  for (;;) {
    const colon = key.indexOf(':', at)
    const end = colon + 1 + Number(key.slice(at + 1, colon))
    if (key[at] !== 'n') return key.slice(0, end)
    at = end
  }
}
