/** A client of a remote table: the fetch comes with every call, because it needs what the table is at then. */
import { BackgroundCache } from 'evercurrent'

interface Schema {
  readonly version: number
  readonly fields: readonly { readonly name: string; readonly type: string }[]
}
declare function describeTable(table: string, version: number | null, signal: AbortSignal): Promise<Schema>

export class RemoteTable {
  readonly name: string
  readonly #schema = new BackgroundCache<Schema>({
    ttl: '30s',
    refreshWindow: '5s',
    isNewer: (next, held) => next.version >= held.version,
  })
  #version: number | null = null

  constructor(name: string, opened?: Schema) {
    this.name = name
    if (opened) this.#schema.seed(opened)
  }

  schema(): Promise<Schema> {
    // Reads #version inside the fetch: a value taken before could be older than an invalidation in between.
    return this.#schema.get(({ signal }) => describeTable(this.name, this.#version, signal))
  }

  schemaNow(): Schema | undefined {
    return this.#schema.tryGet()
  }

  checkout(version: number): void {
    this.#version = version
    this.#schema.invalidate()
  }

  reload(): Promise<Schema> {
    return this.#schema.refresh(({ signal }) => describeTable(this.name, this.#version, signal))
  }

  mistakes(): void {
    // @ts-expect-error no fetch here and none in the options: nobody could fill the cache
    void this.#schema.get()
    // @ts-expect-error the same, with options
    void this.#schema.get({ maxWait: '1s' })
    // @ts-expect-error the same, for a reading
    void this.#schema.read()
    // @ts-expect-error the same, for a newer value
    void this.#schema.refresh({ ifOlderThan: '1s' })
    // @ts-expect-error it has no fetch to keep fresh with
    void this.#schema.keepFresh()
  }
}
