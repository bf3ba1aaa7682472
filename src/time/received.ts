/** How a refused option or argument is quoted in an error: enough to find it, too little to leak a secret. */

/** Longer strings are more likely a token put in the wrong place than a misspelt duration. */
const longestQuoted = 24

/** Numbers, booleans and short strings as they are written in code; anything else by its kind alone. */
export function received(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > longestQuoted ? `a string of ${value.length} characters` : JSON.stringify(value)
  }
  return value === null || (typeof value !== 'object' && typeof value !== 'function') ? String(value) : kindOf(value)
}

/** What may be a value, or was derived from one, is not quoted at all. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  const kind = typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value
  return `${/^[aeiou]/i.test(kind) ? 'an' : 'a'} ${kind}`
}
