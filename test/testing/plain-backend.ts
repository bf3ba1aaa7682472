/** A tier as simple as it can be, which remembers everything for ever; broken ones differ from it in one thing. */
import type { CacheBackend, Lookup, Stored } from 'evercurrent'

type Given = Omit<Stored, 'generation'>
type Condition = { readonly ifGeneration?: string }

export class PlainBackend implements CacheBackend {
  readonly name: string = 'plain'
  entries = new Map<string, Given>()
  readonly versions = new Map<string, number>()
  readonly prefixes: string[] = []
  closed = false

  open(): void {
    if (this.closed) throw new Error('closed')
  }
  version(key: string): number {
    return this.versions.get(key) ?? 0
  }
  begins(key: string, prefix: string): boolean {
    return key.startsWith(prefix)
  }
  generation(key: string): string {
    return `v${this.version(key)}.${this.prefixes.filter((prefix) => this.begins(key, prefix)).length}`
  }
  isTimely(key: string, { ifGeneration }: Condition): boolean {
    return ifGeneration === undefined || ifGeneration === this.generation(key)
  }
  moveOn(key: string): void {
    this.versions.set(key, this.version(key) + 1)
  }
  copy(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(bytes)
  }
  isOver({ keepUntil }: Given): boolean {
    return keepUntil <= Date.now()
  }
  async get(key: string): Promise<Lookup> {
    this.open()
    const entry = this.entries.get(key)
    const generation = this.generation(key)
    if (!entry || this.isOver(entry)) return { generation, stored: undefined }
    return { generation, stored: { ...entry, generation, bytes: this.copy(entry.bytes) } }
  }
  async getMany(keys: readonly string[]): Promise<readonly Lookup[]> {
    this.open()
    return Promise.all(keys.map((key) => this.get(key)))
  }
  async set(key: string, stored: Given, condition: Condition): Promise<string | undefined> {
    this.open()
    if (!this.isTimely(key, condition)) return undefined
    return this.store(key, stored)
  }
  store(key: string, stored: Given): string {
    this.entries.set(key, { ...stored, bytes: this.copy(stored.bytes) })
    this.moveOn(key)
    return this.generation(key)
  }
  async delete(key: string, condition: Condition): Promise<{ generation: string; existed: boolean }> {
    this.open()
    if (!this.isTimely(key, condition)) return { generation: this.generation(key), existed: false }
    const existed = this.entries.delete(key)
    this.moveOn(key)
    return { generation: this.generation(key), existed }
  }
  async deletePrefix(prefix: string): Promise<number | undefined> {
    this.open()
    let dropped = 0
    for (const key of this.entries.keys()) if (this.begins(key, prefix) && this.entries.delete(key)) dropped++
    this.prefixes.push(prefix)
    return dropped
  }
  async size(): Promise<{ entries: number; bytes: number } | undefined> {
    this.open()
    const bytes = [...this.entries.values()].reduce((sum, entry) => sum + entry.bytes.byteLength, 0)
    return { entries: this.entries.size, bytes }
  }
  async close(): Promise<void> {
    this.closed = true
  }
}

/** What each loss makes of a plain backend that keeps its records: everything is refused that was handed out before. */
export function lose(backend: CacheBackend, key: string): void {
  const plain = backend as PlainBackend
  plain.entries.delete(key)
  plain.moveOn(key)
}
