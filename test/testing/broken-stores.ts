/** Backends that lose, change or mix up what they keep, by one bug each. */
import type { CacheBackend, Stored } from 'evercurrent'
import { type Broken, brokenPlain } from './broken.ts'
import { PlainBackend } from './plain-backend.ts'

type Given = Omit<Stored, 'generation'>
type Condition = { readonly ifGeneration?: string }

const like = (pattern: string) => {
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${source.replaceAll('%', '[^]*').replaceAll('_', '[^]')}$`)
}

class TakesAPrefixForALikePattern extends PlainBackend {
  override begins(key: string, prefix: string) {
    return like(`${prefix}%`).test(key)
  }
}
class ComparesPrefixesWithoutCase extends PlainBackend {
  override begins(key: string, prefix: string) {
    return key.toLowerCase().startsWith(prefix.toLowerCase())
  }
}
class FindsThePrefixAnywhere extends PlainBackend {
  override begins(key: string, prefix: string) {
    return key.includes(prefix)
  }
}
class SparesTheKeyThatIsThePrefix extends PlainBackend {
  override begins(key: string, prefix: string) {
    return key.startsWith(prefix) && (key !== prefix || prefix === '')
  }
}
class TakesTheEmptyPrefixForNothing extends PlainBackend {
  override async deletePrefix(prefix: string) {
    return prefix === '' ? 0 : super.deletePrefix(prefix)
  }
}
class FencesOnlyWhatAPrefixDropped extends PlainBackend {
  override async deletePrefix(prefix: string) {
    const dropped = [...this.entries.keys()].filter((key) => key.startsWith(prefix))
    for (const key of dropped) await this.delete(key, {})
    return dropped.length
  }
}
class RemembersTenPrefixes extends PlainBackend {
  override async deletePrefix(prefix: string) {
    const dropped = await super.deletePrefix(prefix)
    if (this.prefixes.length > 10) this.prefixes.shift()
    return dropped
  }
}
class CountsOneTooMany extends PlainBackend {
  override async deletePrefix(prefix: string) {
    return ((await super.deletePrefix(prefix)) ?? 0) + 1
  }
}
class KeepsTheBytesItWasGiven extends PlainBackend {
  override store(key: string, stored: Given) {
    this.entries.set(key, stored)
    this.moveOn(key)
    return this.generation(key)
  }
}
class HandsOutItsOwnBytes extends PlainBackend {
  override async get(key: string) {
    const lookup = await super.get(key)
    const bytes = this.entries.get(key)?.bytes
    return lookup.stored && bytes ? { ...lookup, stored: { ...lookup.stored, bytes } } : lookup
  }
}
class CopiesWithSlice extends PlainBackend {
  override copy(bytes: Uint8Array) {
    return bytes.slice()
  }
}
class StoresTheWholeBuffer extends PlainBackend {
  override copy(bytes: Uint8Array) {
    return new Uint8Array(bytes.buffer.slice(0)) as Uint8Array<ArrayBuffer>
  }
}
class StoresText extends PlainBackend {
  override copy(bytes: Uint8Array) {
    return new TextEncoder().encode(new TextDecoder().decode(bytes))
  }
}
class StopsAtAZeroByte extends PlainBackend {
  override copy(bytes: Uint8Array) {
    const zero = bytes.indexOf(0)
    return new Uint8Array(zero < 0 ? bytes : bytes.subarray(0, zero))
  }
}
class TakesAnEmptyValueForAMiss extends PlainBackend {
  override isOver(entry: Given) {
    return entry.bytes.byteLength === 0 || super.isOver(entry)
  }
}
class CutsAtAMegabyte extends PlainBackend {
  override copy(bytes: Uint8Array) {
    return new Uint8Array(bytes.subarray(0, 1_000_000))
  }
}
class DropsWhatHasExpired extends PlainBackend {
  override isOver({ expiresAt }: Given) {
    return expiresAt <= Date.now()
  }
}
class KeepsTimesInSeconds extends PlainBackend {
  override store(key: string, stored: Given) {
    return super.store(key, { ...stored, fetchedAt: Math.floor(stored.fetchedAt / 1000) * 1000 })
  }
}
class KeepsTimesAsJson extends PlainBackend {
  override store(key: string, { bytes, ...times }: Given) {
    return super.store(key, { ...JSON.parse(JSON.stringify(times)), bytes })
  }
}
class GetsManyOnce extends PlainBackend {
  override async getMany(keys: readonly string[]) {
    return super.getMany([...new Set(keys)])
  }
}
class GetsManyInTheOrderOfTheStore extends PlainBackend {
  override async getMany(keys: readonly string[]) {
    return super.getMany([...keys].sort())
  }
}
class TrimsKeys extends PlainBackend {
  override async get(key: string) {
    return super.get(key.trim())
  }
  override async set(key: string, stored: Given, condition: Condition) {
    return super.set(key.trim(), stored, condition)
  }
}
class KeepsKeysInAnObject extends PlainBackend {
  readonly #records: Record<string, Given> = {}
  override async get(key: string) {
    const stored = this.#records[key]
    if (stored && !this.entries.has(key)) this.entries.set(key, stored)
    return super.get(key)
  }
}
class RefusesToCloseTwice extends PlainBackend {
  override async close() {
    this.open()
    this.closed = true
  }
}
class AnswersAfterClose extends PlainBackend {
  override async close() {
    this.entries.clear()
  }
}
class CountsDeletedValues extends PlainBackend {
  #peak = 0
  override async size() {
    const told = await super.size()
    this.#peak = Math.max(this.#peak, told?.entries ?? 0)
    return told && { ...told, entries: this.#peak }
  }
}
export const brokenStores: readonly Broken<CacheBackend>[] = [
  brokenPlain(
    'a prefix is a LIKE pattern',
    TakesAPrefixForALikePattern,
    'deletePrefix() takes every ASCII character of a prefix for itself',
  ),
  brokenPlain(
    'a prefix is compared without case',
    ComparesPrefixesWithoutCase,
    'deletePrefix() drops what begins with it, and nothing else',
  ),
  brokenPlain(
    'a prefix is found anywhere',
    FindsThePrefixAnywhere,
    'deletePrefix() drops what begins with it, and nothing else',
  ),
  brokenPlain(
    'deletePrefix() spares the prefix itself',
    SparesTheKeyThatIsThePrefix,
    'deletePrefix() drops what begins with it, and nothing else',
  ),
  brokenPlain(
    'an empty prefix is nothing',
    TakesTheEmptyPrefixForNothing,
    'deletePrefix() with an empty prefix drops everything, and outdates all that was read',
  ),
  brokenPlain(
    'deletePrefix() fences only what it dropped',
    FencesOnlyWhatAPrefixDropped,
    'deletePrefix() defeats late writes of keys that never existed',
  ),
  brokenPlain(
    'ten prefixes are remembered',
    RemembersTenPrefixes,
    'every deletePrefix() defeats what was read before it, however many there are',
  ),
  brokenPlain(
    'deletePrefix() counts one too many',
    CountsOneTooMany,
    'deletePrefix() drops what begins with it, and nothing else',
  ),
  brokenPlain(
    'the bytes given are kept',
    KeepsTheBytesItWasGiven,
    'whoever changes the bytes given in, or got out, changes nothing that is stored',
  ),
  brokenPlain(
    'the bytes kept are handed out',
    HandsOutItsOwnBytes,
    'whoever changes the bytes given in, or got out, changes nothing that is stored',
  ),
  brokenPlain(
    'a Buffer is copied with slice()',
    CopiesWithSlice,
    'whoever changes the bytes given in, or got out, changes nothing that is stored',
  ),
  brokenPlain(
    'a view is stored as its whole buffer',
    StoresTheWholeBuffer,
    'a part of a larger buffer is stored as that part',
  ),
  brokenPlain('bytes are stored as text', StoresText, 'all 256 byte values come back'),
  brokenPlain('bytes end at a zero', StopsAtAZeroByte, 'all 256 byte values come back'),
  brokenPlain('an empty value is a miss', TakesAnEmptyValueForAMiss, 'an empty value is a value'),
  brokenPlain('a value is cut at 1 MB', CutsAtAMegabyte, 'a value of more than 1 MB comes back'),
  brokenPlain('what has expired is dropped', DropsWhatHasExpired, 'what has expired and is to be kept is kept'),
  brokenPlain('times are whole seconds', KeepsTimesInSeconds, 'times come back exactly'),
  brokenPlain('times are JSON', KeepsTimesAsJson, 'times come back exactly'),
  brokenPlain(
    'getMany() drops duplicates',
    GetsManyOnce,
    'getMany(), if there is one, answers in order, with duplicates and misses',
  ),
  brokenPlain(
    'getMany() answers in its own order',
    GetsManyInTheOrderOfTheStore,
    'getMany(), if there is one, answers in order, with duplicates and misses',
  ),
  brokenPlain('keys are trimmed', TrimsKeys, 'keys with every ASCII character are told apart'),
  brokenPlain(
    'keys are properties of an object',
    KeepsKeysInAnObject,
    'keys that look alike, or like something built in, are told apart',
  ),
  brokenPlain('close() is refused the second time', RefusesToCloseTwice, 'closing twice is closing once'),
  brokenPlain('it answers after close()', AnswersAfterClose, 'after close() every call rejects'),
  brokenPlain(
    'size() counts what was deleted',
    CountsDeletedValues,
    'size(), if there is one and it knows, counts the values and their bytes',
  ),
]
