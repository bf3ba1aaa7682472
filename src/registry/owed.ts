/** Deletes that a tier could not be told of: until it was, what it holds there may be what was invalidated here. */

import { typePrefixOf } from './full-key.ts'

/** Beyond so many keys, all keys of their types count as owed. */
const mostKeys = 10_000

export class Owed {
  readonly #keys = new Set<string>()
  readonly #prefixes = new Set<string>()

  isEmpty(): boolean {
    return !this.#keys.size && !this.#prefixes.size
  }

  add(key: string): void {
    this.#keys.add(key)
    if (this.#keys.size <= mostKeys) return
    for (const each of this.#keys) this.#prefixes.add(typePrefixOf(each))
    this.#keys.clear()
  }

  addPrefix(prefix: string): void {
    this.#prefixes.add(prefix)
  }

  paid(key: string): void {
    this.#keys.delete(key)
  }

  paidPrefix(prefix: string): void {
    for (const owed of [this.#keys, this.#prefixes]) {
      for (const each of owed) if (each.startsWith(prefix)) owed.delete(each)
    }
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  /** Those that concern the key. */
  prefixesOf(key: string): string[] {
    return [...this.#prefixes].filter((prefix) => key.startsWith(prefix))
  }
}
