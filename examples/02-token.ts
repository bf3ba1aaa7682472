/** A token that knows when it expires. A 401 drops exactly the token that was rejected, never a newer one. */
import { BackgroundCache } from 'evercurrent'
import { manualClock } from 'evercurrent/testing'

interface Token {
  readonly secret: string
  readonly expiresIn: number
}

/** Stands for an identity provider. */
let issued = 0
const requestToken = async (): Promise<Token> => {
  issued += 1
  console.log(`  issuer: here is token-${issued}`)
  return { secret: `token-${issued}`, expiresIn: 3600 }
}
/** Stands for the service that wants the token. */
const revoked = new Set<string>()
const request = async ({ secret }: Token) => (revoked.has(secret) ? 401 : 200)

const clock = manualClock() // so that an hour takes no time here; leave the option out in your program
const token = new BackgroundCache({
  fetch: () => requestToken(),
  expiresAt: ({ expiresIn }, fetchedAt) => fetchedAt + expiresIn * 1000,
  refreshWindow: '5m',
  clock,
})

async function call(): Promise<void> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    const held = await token.get()
    const status = await request(held)
    console.log(`  ${held.secret}: ${status}`)
    if (status !== 401) return
    token.invalidate({ ifValue: held }) // does nothing when somebody has already got a newer one
  }
}

console.log('the first call waits for a token')
await call()
console.log('56 minutes later it is served at once, and replaced behind the call')
await clock.advance(56 * 60_000)
await call()
await call()
console.log('token-2 is revoked: two calls are rejected, and share one new token')
revoked.add('token-2')
await Promise.all([call(), call()])
