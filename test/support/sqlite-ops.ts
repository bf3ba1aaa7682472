/** What a process writes that is going to be killed, so that whoever survives knows what has to be there. */

interface Operation {
  readonly key: string
  /** undefined: the key is deleted */
  readonly value: number | undefined
}

const perBatch = 8
const keys = 60

/** The writes of one turn, and so of one transaction: some keys are written again and again, some are deleted. */
export const batchOf = (batch: number): readonly Operation[] =>
  Array.from({ length: perBatch }, (_, at) => {
    const n = batch * perBatch + at
    return { key: `k${(n * 7) % keys}`, value: n % 10 === 9 ? undefined : n }
  })

/** Recognisable wherever it is cut: 20 to about 3000 bytes. */
export const textFor = (key: string, value: number): string => `${key}=${value};`.repeat(2 + ((value * 37) % 300))

/** What every key holds once the first `batches` are done. */
export function expectedAfter(batches: number): Map<string, string | undefined> {
  const state = new Map<string, string | undefined>()
  for (let batch = 0; batch < batches; batch++) {
    for (const { key, value } of batchOf(batch)) state.set(key, value === undefined ? value : textFor(key, value))
  }
  return state
}
