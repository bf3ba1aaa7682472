/** The issuer's own program: started, told and asked over the channel to the program that forked it. */

import { Issuing, type Mood, type SigningKey } from './issuing.ts'

export interface Question {
  readonly start?: { readonly port: number; readonly key: SigningKey | undefined }
  readonly mood?: Mood
  readonly renewKey?: true
}

export interface Answer {
  readonly port: number
  readonly requests: number
  readonly key: SigningKey | undefined
}

const issuing = new Issuing()

// If the program that started us ends, however it does, nothing of us may stay.
process.on('disconnect', () => process.exit())
// Ctrl-C reaches the whole process group; it is the program's to answer, and it takes us along.
process.on('SIGINT', () => {})

process.on('message', async ({ start, mood, renewKey }: Question) => {
  let key = start && (await issuing.start(start.port, start.key))
  if (mood) issuing.mood = mood
  if (renewKey) key = await issuing.renewKey()
  const answer: Answer = { port: issuing.port, requests: issuing.requests, key }
  process.send?.(answer)
})
