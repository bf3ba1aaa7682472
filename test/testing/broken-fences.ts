/** Backends that let late writers in, or timely ones not, by one bug each. */
import type { CacheBackend, Lookup, Stored } from 'evercurrent'
import { type Broken, brokenPlain } from './broken.ts'
import { PlainBackend } from './plain-backend.ts'

type Given = Omit<Stored, 'generation'>
type Condition = { readonly ifGeneration?: string }

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
class StampsTheTime extends PlainBackend {
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

export const brokenFences: readonly Broken<CacheBackend>[] = [
  brokenPlain('it ignores ifGeneration', IgnoresTheCondition, 'a miss is outdated by a write of the key'),
  brokenPlain(
    'an empty generation is none',
    TakesTheEmptyGenerationForNone,
    'a generation nobody gave out is refused, and the empty string is one',
  ),
  brokenPlain(
    'a generation of another form is current',
    TakesUnknownGenerationsForCurrent,
    'a generation nobody gave out is refused, and the empty string is one',
  ),
  brokenPlain(
    'an absent key accepts every write',
    AcceptsAnyWriteOfAnAbsentKey,
    'delete() of an absent key outdates a miss before it',
  ),
  brokenPlain(
    'delete() leaves no tombstone',
    DeletesWithoutTombstone,
    'delete() leaves a tombstone: what was read before stays outdated over more deletes',
  ),
  brokenPlain(
    'delete() of an absent key does nothing',
    IgnoresDeletionsOfAbsentKeys,
    'delete() of an absent key outdates a miss before it',
  ),
  brokenPlain(
    'delete() ignores ifGeneration',
    DeletesWithoutLookingAtTheCondition,
    'delete() with an older generation changes nothing, and returns the one in force',
  ),
  brokenPlain(
    'a refused delete() says that it existed',
    SaysThatARefusedDeletionExisted,
    'delete() with an older generation changes nothing, and returns the one in force',
  ),
  brokenPlain(
    'the generation is a hash of the value',
    HashesTheValueForAGeneration,
    'a generation never comes back, although the same bytes do',
  ),
  brokenPlain(
    'the generation is the time',
    StampsTheTime,
    'set() without ifGeneration stores always, and each time the key moves on',
  ),
  brokenPlain(
    'one generation for all keys',
    HasOneGenerationForAllKeys,
    'writes and deletes of other keys do not outdate a miss, or hardly ever',
  ),
  brokenPlain(
    'a miss has no generation',
    GivesAMissNoGeneration,
    'a miss has a generation, and a write compared with it is accepted',
  ),
  brokenPlain(
    'set() returns the generation before it',
    ReturnsTheGenerationBeforeTheWrite,
    'the generation set() returns is that of the next get(), and can be written with',
  ),
  brokenPlain(
    'a refusal is an empty string',
    ReturnsAnEmptyStringForARefusal,
    'a miss is outdated by a write of the key',
  ),
  brokenPlain(
    'it compares, waits, and stores',
    ThinksBeforeItStores,
    'of writers that saw the same generation exactly one wins',
  ),
  brokenPlain(
    'it compares, waits, and stores what is new',
    ThinksBeforeItStoresWhatIsNew,
    'of writers that saw the same miss exactly one wins',
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
]
