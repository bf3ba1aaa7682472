/** Backends with one bug each, and the case of the contract that has to find it. */
import type { CacheBackend, Lookup, Stored } from 'evercurrent'
import { memoryBackend } from 'evercurrent/backend/memory'
import { PlainBackend } from './plain-backend.ts'

export interface Broken<T> {
  readonly bug: string
  readonly make: () => T
  readonly caughtBy: string
  readonly lose?: (backend: CacheBackend, key: string) => void
}

type Given = Omit<Stored, 'generation'>
type Condition = { readonly ifGeneration?: string }

const like = (pattern: string, flags = '') => {
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${source.replaceAll('%', '[^]*').replaceAll('_', '[^]')}$`, flags)
}

class IgnoresTheCondition extends PlainBackend {
  override isTimely() {
    return true
  }
}
class TakesTheEmptyGenerationForNone extends PlainBackend {
  override isTimely(key: string, { ifGeneration }: Condition) {
    return !ifGeneration || ifGeneration === this.generation(key)
  }
}
class TakesUnknownGenerationsForCurrent extends PlainBackend {
  override isTimely(key: string, { ifGeneration }: Condition) {
    return !ifGeneration?.startsWith('v') || ifGeneration === this.generation(key)
  }
}
class AcceptsAnyWriteOfAnAbsentKey extends PlainBackend {
  override isTimely(key: string, condition: Condition) {
    return !this.entries.has(key) || super.isTimely(key, condition)
  }
}
class DeletesWithoutTombstone extends PlainBackend {
  override async delete(key: string, condition: Condition) {
    const result = await super.delete(key, condition)
    if (result.existed) this.versions.delete(key)
    return { ...result, generation: this.generation(key) }
  }
}
class IgnoresDeletionsOfAbsentKeys extends PlainBackend {
  override async delete(key: string, condition: Condition) {
    if (this.entries.has(key)) return super.delete(key, condition)
    return { generation: this.generation(key), existed: false }
  }
}
class DeletesWithoutLookingAtTheCondition extends PlainBackend {
  override async delete(key: string) {
    return super.delete(key, {})
  }
}
class SaysThatARefusedDeletionExisted extends PlainBackend {
  override async delete(key: string, condition: Condition) {
    const held = this.entries.has(key)
    return { ...(await super.delete(key, condition)), existed: held }
  }
}
class HashesTheValueForAGeneration extends PlainBackend {
  override generation(key: string) {
    const bytes = this.entries.get(key)?.bytes
    return `v${bytes ? bytes.join('.') : `none.${super.generation(key)}`}`
  }
}
class StampsTheMillisecond extends PlainBackend {
  override moveOn(key: string) {
    this.versions.set(key, Math.floor(Date.now() / 1000))
  }
}
class HasOneGenerationForAllKeys extends PlainBackend {
  override moveOn() {
    super.moveOn('')
  }
  override version() {
    return this.versions.get('') ?? 0
  }
}
class GivesAMissNoGeneration extends PlainBackend {
  override async get(key: string): Promise<Lookup> {
    const lookup = await super.get(key)
    return lookup.stored ? lookup : { ...lookup, generation: undefined as never }
  }
}
class ReturnsTheGenerationBeforeTheWrite extends PlainBackend {
  override store(key: string, stored: Given) {
    const before = this.generation(key)
    super.store(key, stored)
    return before
  }
}
class ReturnsAnEmptyStringForARefusal extends PlainBackend {
  override async set(key: string, stored: Given, condition: Condition) {
    return (await super.set(key, stored, condition)) ?? ''
  }
}
class ThinksBeforeItStores extends PlainBackend {
  override async set(key: string, stored: Given, condition: Condition) {
    this.open()
    if (!this.isTimely(key, condition)) return undefined
    await Promise.resolve()
    return this.store(key, stored)
  }
}
class ThinksBeforeItStoresWhatIsNew extends PlainBackend {
  override async set(key: string, stored: Given, condition: Condition) {
    this.open()
    if (!this.isTimely(key, condition)) return undefined
    if (!this.entries.has(key)) await Promise.resolve()
    return this.store(key, stored)
  }
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
class KeepsEverythingForEver extends PlainBackend {
  override isOver() {
    return false
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
class ForgetsWithItsFence extends PlainBackend {
  forget(key: string) {
    this.entries.delete(key)
    this.versions.delete(key)
  }
}
const forget = (backend: CacheBackend, key: string) => (backend as ForgetsWithItsFence).forget(key)

class AcceptsWhatItHasNoRecordOf extends ForgetsWithItsFence {
  override isTimely(key: string, condition: Condition) {
    return !this.versions.has(key) || super.isTimely(key, condition)
  }
}

const plain = (bug: string, Backend: new () => CacheBackend, caughtBy: string): Broken<CacheBackend> => ({
  bug,
  make: () => new Backend(),
  caughtBy,
})

export const brokenBackends: readonly Broken<CacheBackend>[] = [
  plain('it ignores ifGeneration', IgnoresTheCondition, 'a miss is outdated by a write of the key'),
  plain(
    'an empty generation is none',
    TakesTheEmptyGenerationForNone,
    'a generation nobody gave out is refused, and the empty string is one',
  ),
  plain(
    'a generation of another form is current',
    TakesUnknownGenerationsForCurrent,
    'a generation nobody gave out is refused, and the empty string is one',
  ),
  plain(
    'an absent key accepts every write',
    AcceptsAnyWriteOfAnAbsentKey,
    'delete() of an absent key outdates a miss before it',
  ),
  plain(
    'delete() leaves no tombstone',
    DeletesWithoutTombstone,
    'delete() leaves a tombstone: what was read before stays outdated over more deletes',
  ),
  plain(
    'delete() of an absent key does nothing',
    IgnoresDeletionsOfAbsentKeys,
    'delete() of an absent key outdates a miss before it',
  ),
  plain(
    'delete() ignores ifGeneration',
    DeletesWithoutLookingAtTheCondition,
    'delete() with an older generation changes nothing, and returns the one in force',
  ),
  plain(
    'a refused delete() says that it existed',
    SaysThatARefusedDeletionExisted,
    'delete() with an older generation changes nothing, and returns the one in force',
  ),
  plain(
    'the generation is a hash of the value',
    HashesTheValueForAGeneration,
    'a generation never comes back, although the same bytes do',
  ),
  plain(
    'the generation is the time',
    StampsTheMillisecond,
    'set() without ifGeneration stores always, and each time the key moves on',
  ),
  plain(
    'one generation for all keys',
    HasOneGenerationForAllKeys,
    'writes and deletes of other keys do not outdate a miss, or hardly ever',
  ),
  plain(
    'a miss has no generation',
    GivesAMissNoGeneration,
    'a miss has a generation, and a write compared with it is accepted',
  ),
  plain(
    'set() returns the generation before it',
    ReturnsTheGenerationBeforeTheWrite,
    'the generation set() returns is that of the next get(), and can be written with',
  ),
  plain('a refusal is an empty string', ReturnsAnEmptyStringForARefusal, 'a miss is outdated by a write of the key'),
  plain(
    'it compares, waits, and stores',
    ThinksBeforeItStores,
    'of writers that saw the same generation exactly one wins',
  ),
  plain(
    'it compares, waits, and stores what is new',
    ThinksBeforeItStoresWhatIsNew,
    'of writers that saw the same miss exactly one wins',
  ),
  plain(
    'a prefix is a LIKE pattern',
    TakesAPrefixForALikePattern,
    'deletePrefix() takes every ASCII character of a prefix for itself',
  ),
  plain(
    'a prefix is compared without case',
    ComparesPrefixesWithoutCase,
    'deletePrefix() drops what begins with it, and nothing else',
  ),
  plain(
    'a prefix is found anywhere',
    FindsThePrefixAnywhere,
    'deletePrefix() drops what begins with it, and nothing else',
  ),
  plain(
    'deletePrefix() spares the prefix itself',
    SparesTheKeyThatIsThePrefix,
    'deletePrefix() drops what begins with it, and nothing else',
  ),
  plain(
    'an empty prefix is nothing',
    TakesTheEmptyPrefixForNothing,
    'deletePrefix() with an empty prefix drops everything, and outdates all that was read',
  ),
  plain(
    'deletePrefix() fences only what it dropped',
    FencesOnlyWhatAPrefixDropped,
    'deletePrefix() defeats late writes of keys that never existed',
  ),
  plain(
    'ten prefixes are remembered',
    RemembersTenPrefixes,
    'every deletePrefix() defeats what was read before it, however many there are',
  ),
  plain(
    'deletePrefix() counts one too many',
    CountsOneTooMany,
    'deletePrefix() drops what begins with it, and nothing else',
  ),
  plain(
    'the bytes given are kept',
    KeepsTheBytesItWasGiven,
    'whoever changes the bytes given in, or got out, changes nothing that is stored',
  ),
  plain(
    'the bytes kept are handed out',
    HandsOutItsOwnBytes,
    'whoever changes the bytes given in, or got out, changes nothing that is stored',
  ),
  plain(
    'a Buffer is copied with slice()',
    CopiesWithSlice,
    'whoever changes the bytes given in, or got out, changes nothing that is stored',
  ),
  plain(
    'a view is stored as its whole buffer',
    StoresTheWholeBuffer,
    'a part of a larger buffer is stored as that part',
  ),
  plain('bytes are stored as text', StoresText, 'all 256 byte values come back'),
  plain('bytes end at a zero', StopsAtAZeroByte, 'all 256 byte values come back'),
  plain('an empty value is a miss', TakesAnEmptyValueForAMiss, 'an empty value is a value'),
  plain('a value is cut at 1 MB', CutsAtAMegabyte, 'a value of more than 1 MB comes back'),
  plain(
    'keepUntil is ignored',
    KeepsEverythingForEver,
    'what need not be kept any more is a miss, which can be written',
  ),
  plain('what has expired is dropped', DropsWhatHasExpired, 'what has expired and is to be kept is kept'),
  plain('times are whole seconds', KeepsTimesInSeconds, 'times come back exactly'),
  plain('times are JSON', KeepsTimesAsJson, 'times come back exactly'),
  plain(
    'getMany() drops duplicates',
    GetsManyOnce,
    'getMany(), if there is one, answers in order, with duplicates and misses',
  ),
  plain(
    'getMany() answers in its own order',
    GetsManyInTheOrderOfTheStore,
    'getMany(), if there is one, answers in order, with duplicates and misses',
  ),
  plain('keys are trimmed', TrimsKeys, 'keys with every ASCII character are told apart'),
  plain(
    'keys are properties of an object',
    KeepsKeysInAnObject,
    'keys that look alike, or like something built in, are told apart',
  ),
  plain('close() is refused the second time', RefusesToCloseTwice, 'closing twice is closing once'),
  plain('it answers after close()', AnswersAfterClose, 'after close() every call rejects'),
  plain(
    'size() counts what was deleted',
    CountsDeletedValues,
    'size(), if there is one and it knows, counts the values and their bytes',
  ),
  {
    bug: 'a key that was lost begins again with its first generation',
    make: () => new ForgetsWithItsFence(),
    caughtBy: 'a deletion defeats a writer from before it, although its tombstone was lost',
    lose: forget,
  },
  {
    bug: 'what it has no record of is accepted',
    make: () => new AcceptsWhatItHasNoRecordOf(),
    caughtBy: 'a write compared with a value that was lost is refused',
    lose: forget,
  },
  {
    bug: 'a loss drops the bytes of others too late: the value is still there',
    make: () => memoryBackend(),
    caughtBy: 'a write compared with a value that was lost is refused',
    lose: () => {},
  },
]
