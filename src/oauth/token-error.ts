/** What the issuer answered instead of a token, in words that may be logged. */

import { CacheError } from '../errors.ts'
import type { ErrorClass } from '../events/cache-event.ts'

/**
 * The issuer answered, and not with a token that can be used. Never holds a credential, a token or the issuer's own words.
 * An issuer that does not answer at all is the error of `fetch` itself.
 */
export class TokenError extends CacheError {
  static readonly code = 'TOKEN_REFUSED'
  override readonly code = 'TOKEN_REFUSED'
  override readonly name = 'TokenError'
  /** the HTTP status; 200 when the answer came but is no token */
  readonly status: number
  /** the `error` of RFC 6749, section 5.2, such as `invalid_client`; `undefined` when the issuer gave none */
  readonly oauthCode: string | undefined
  /** milliseconds that its `Retry-After` asks for, in seconds or as a date; `undefined` without one */
  readonly retryAfter: number | undefined
  /** `'fatal'`: it refused this client (400 or 401), and no token is held that is still valid */
  readonly class: ErrorClass

  constructor(message: string, response: Response, oauthCode?: string, severity: ErrorClass = 'retry') {
    super(`Cannot get a token: ${message}`)
    this.status = response.status
    this.oauthCode = oauthCode
    this.retryAfter = retryAfterOf(response.headers)
    this.class = severity
  }
}

/** RFC 9110, section 10.2.3. A date is compared with the `Date` beside it: only the issuer's clock counts. */
function retryAfterOf(headers: Headers): number | undefined {
  const asked = headers.get('retry-after') ?? ''
  if (/^\d+$/.test(asked)) return Number(asked) * 1000
  const until = / GMT$/.test(asked) ? Date.parse(asked) : Number.NaN
  const left = until - (Date.parse(headers.get('date') ?? '') || Date.now())
  return left > 0 ? left : undefined
}
