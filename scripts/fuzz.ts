/** A million damaged inputs for the envelope and the codecs; `--short` is what CI has time for, `--seed=7` one to repeat. */
import { fuzz } from '../test/codec/fuzz.ts'

const option = (name: string) => process.argv.find((argument) => argument.startsWith(`--${name}=`))?.split('=')[1]
const total = process.argv.includes('--short') ? 40_000 : 1_000_000
const seed = Number(option('seed') ?? Date.now() % 1_000_003)
console.log(`seed ${seed}, ${total} damaged inputs`)
const began = performance.now()
const { inputs, answers } = await fuzz(total, seed)
for (const [title, counts] of Object.entries({ 'given to': inputs, 'answered by': answers })) {
  console.log(`${title}:`)
  for (const [name, count] of Object.entries(counts).sort(([, a], [, b]) => b - a)) console.log(`  ${name}: ${count}`)
}
console.log(`no exception escaped, no wrong value came out, in ${((performance.now() - began) / 1000).toFixed(1)} s`)
