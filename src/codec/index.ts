/** Codecs that need nothing but the platform: JSON, and encryption around any other. */

export type { Codec } from './codec.ts'
export { encrypted } from './encrypted.ts'
export { type JsonSafe, jsonCodec } from './json.ts'
