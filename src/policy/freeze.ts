/** Makes a shared value safe to hand out: frozen through and through, so that a mutation fails where it is made. */

/** Freezes objects and arrays deeply. Functions, accessors and binary data, which are not the value's own, stay as is. */
export function freezeDeep(value: unknown): void {
  const found = new Set([value])
  // It grows while it is walked: as deep as the value may be, the stack stays flat.
  for (const item of found) {
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item)) continue
    Object.freeze(item)
    for (const key of Reflect.ownKeys(item)) {
      found.add((Object.getOwnPropertyDescriptor(item, key) as PropertyDescriptor).value)
    }
  }
}

/** Frozen values are a help in development and a cost in production. */
export function isProduction(): boolean {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  return process?.env?.['NODE_ENV'] === 'production'
}
