/** What zod adds: a codec made from a schema, and policies checked where they come from config files or the environment. */

export { policySchema } from './policy-schema.ts'
export { zodCodec } from './zod-codec.ts'
