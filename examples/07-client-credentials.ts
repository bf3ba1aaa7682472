/** An access token of the client credentials grant, from a real issuer on this machine, for an API that rejects one. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BackgroundCache } from 'evercurrent'
import { authorizedFetch, clientCredentials } from 'evercurrent/oauth'
import { OAuth2Server } from 'oauth2-mock-server'

// Stands for your issuer.
const issuer = new OAuth2Server()
await issuer.issuer.keys.generate('ES256')
issuer.service.on('beforeResponse', () => console.log('  issuer: a token'))
await issuer.start(0, '127.0.0.1')

// Stands for the API. It checks no signature; examples/credentials has one that does.
const revoked = new Set<string>()
const api = createServer(({ headers }, response) => {
  response.statusCode = headers.authorization && !revoked.has(headers.authorization) ? 200 : 401
  console.log(`  api: ${response.statusCode}`)
  response.end()
})
await once(api.listen(0, '127.0.0.1'), 'listening')
const orders = `http://127.0.0.1:${(api.address() as AddressInfo).port}/orders`

// From here on it is as in your program.
const token = new BackgroundCache({
  ...clientCredentials({
    tokenEndpoint: `http://127.0.0.1:${issuer.address().port}/token`,
    clientId: 'reports',
    clientSecret: 'tell: nobody', // from your environment
  }),
  maxWait: '3s', // no call waits longer for a token
})
const call = authorizedFetch(token)

console.log('three calls at once share one token')
await Promise.all([call(orders), call(orders), call(orders)])

const { expiresAt = 0, refreshAt = 0 } = token.inspect()
const minutes = (ms: number) => `${Math.round(ms / 60_000)} min`
console.log(
  `it ends in ${minutes(expiresAt - Date.now())}, and is replaced ${minutes(expiresAt - refreshAt)} before that`,
)

console.log('it is revoked: the next call drops it, and tries again with a new one')
const { accessToken } = await token.get()
revoked.add(`Bearer ${accessToken}`)
const { status } = await call(orders)
console.log(`the call ended with ${status}`)

await issuer.stop()
api.close()
