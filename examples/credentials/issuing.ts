/** An issuer of signed tokens (oauth2-mock-server) that knows its one client, and does what it is told about answers. */

import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import {
  type MutableResponse,
  type MutableToken,
  OAuth2Server,
  type TokenRequestIncomingMessage,
} from 'oauth2-mock-server'

export const client = { clientId: 'reports', clientSecret: 'tell: nobody' }

/** What can be changed while it runs. */
export interface Mood {
  /** seconds that a token lives */
  readonly lifetime: number
  /** it answers 503 and asks for so much patience, in either form of `Retry-After` */
  readonly busy?: string | undefined
}

export type SigningKey = Readonly<Record<string, unknown>>

export class Issuing {
  readonly #server = new OAuth2Server()
  #mood: Mood = { lifetime: 3600 }
  #requests = 0

  /** How many requests for a token have reached it. */
  get requests(): number {
    return this.#requests
  }

  get port(): number {
    return this.#server.address().port
  }

  set mood(mood: Mood) {
    this.#mood = mood
  }

  /** Listens; with the signing key of an earlier run, or a new one. Gives the key. */
  async start(port = 0, key?: SigningKey): Promise<SigningKey> {
    const { service } = this.#server
    service.on('beforeTokenSigning', ({ payload }: MutableToken) => {
      payload.exp = Date.now() / 1000 + this.#mood.lifetime
      payload['jti'] = randomUUID()
    })
    service.on('beforeResponse', (answer: MutableResponse, request: TokenRequestIncomingMessage) => {
      this.#answer(answer, request)
    })
    await this.#server.start(port, '127.0.0.1')
    return key ? this.#server.issuer.keys.add(key) : this.renewKey()
  }

  /** From here on nothing that was signed before is valid: the old key is gone from its key set. */
  async renewKey(): Promise<SigningKey> {
    return this.#server.issuer.keys.generate('ES256', { kid: 'signing' })
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }

  #answer(answer: MutableResponse, request: TokenRequestIncomingMessage): void {
    this.#requests += 1
    const { lifetime, busy } = this.#mood
    if (busy !== undefined) {
      const { res } = request as unknown as { readonly res: ServerResponse }
      res.setHeader('retry-after', busy)
      Object.assign(answer, { statusCode: 503, body: { error: 'temporarily_unavailable' } })
    } else if (!isOurClient(request)) Object.assign(answer, { statusCode: 401, body: { error: 'invalid_client' } })
    else Object.assign(answer.body, { expires_in: lifetime })
  }
}

/** RFC 6749, section 2.3.1: in a Basic header, each half encoded as a form is, or in the body. */
function isOurClient({ headers, body }: TokenRequestIncomingMessage): boolean {
  const { client_id, client_secret } = body as { client_id?: unknown; client_secret?: unknown }
  const [scheme, encoded = ''] = headers.authorization?.split(' ') ?? []
  const inHeader = scheme === 'Basic' ? Buffer.from(encoded, 'base64').toString().split(':') : undefined
  const [id, secret] = inHeader?.map((half) => decodeURIComponent(half.replaceAll('+', ' '))) ?? [
    client_id,
    client_secret,
  ]
  return id === client.clientId && secret === client.clientSecret
}
