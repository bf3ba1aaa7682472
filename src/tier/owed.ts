/** Deletes that a tier could not be told of: until it was, what it holds there may be what was invalidated here. */

import { typePrefixOf } from './full-key.ts'

/**
 * What is to be dropped of a key: whatever is there, what is there at a generation, or what was fetched before a
 * time (epoch milliseconds), where it was not known which that was.
 */
export type Debt = 'all' | { readonly ifGeneration: string } | { readonly fetchedBefore: number }

/** Beyond so many keys, all keys of their types count as owed. */
const mostKeys = 10_000

export class Owed {
  readonly #keys = new Map<string, Debt>()
  readonly #prefixes = new Set<string>()

  isEmpty(): boolean {
    return !this.#keys.size && !this.#prefixes.size
  }

  add(key: string, debt: Debt): void {
    if (this.#keys.get(key) !== 'all') this.#keys.set(key, debt)
    if (this.#keys.size <= mostKeys) return
    for (const each of this.#keys.keys()) this.#prefixes.add(typePrefixOf(each))
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
      for (const each of owed.keys()) if (each.startsWith(prefix)) owed.delete(each)
    }
  }

  of(key: string): Debt | undefined {
    return this.#keys.get(key)
  }

  /** Those that concern the key. */
  prefixesOf(key: string): string[] {
    return [...this.#prefixes].filter((prefix) => key.startsWith(prefix))
  }
}
