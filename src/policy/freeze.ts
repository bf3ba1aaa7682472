/** Makes a shared value safe to hand out: frozen through and through, so that a mutation fails where it is made. */

/** Freezes objects and arrays deeply, accessors unread; binary data cannot be frozen and is left alone. */
export function freezeDeep(value: unknown, seen = new Set()): void {
  if (Object(value) !== value || ArrayBuffer.isView(value) || seen.has(value)) return
  seen.add(value)
  Object.freeze(value)
  for (const property of Object.values(Object.getOwnPropertyDescriptors(value))) freezeDeep(property.value, seen)
}

/** Frozen values are a help in development and a cost in production. */
export function isProduction(): boolean {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  return process?.env?.['NODE_ENV'] === 'production'
}
