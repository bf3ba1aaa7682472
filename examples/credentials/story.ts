/** The story: one token for thousands of calls, and an issuer that signs anew, is killed, and asks for patience. */

import { setTimeout as pause } from 'node:timers/promises'
import { BackgroundCache, type CacheEvent, ValueRejectedError } from 'evercurrent'
import { type AccessToken, clientCredentials } from 'evercurrent/oauth'
import { messageOf, milliseconds, seconds, type Timeline } from '../postgres/timeline.ts'
import { Api } from './api.ts'
import { Callers, type Tally } from './callers.ts'
import type { Issuer } from './issuer.ts'
import { client } from './issuing.ts'

export interface Outcome {
  readonly expectations: readonly { readonly text: string; readonly held: boolean }[]
  readonly figures: string
}

const hour = 3600
/** seconds: a short life, so that its refresh can be watched */
const short = 2
const patience = 8_000

export async function tellStory(issuer: Issuer, timeline: Timeline): Promise<Outcome> {
  const expectations: { text: string; held: boolean }[] = []
  const expect = (text: string, held: boolean) => expectations.push({ text, held })

  await issuer.start()
  timeline.say('issuer', `ready: process ${issuer.pid}, ${issuer.tokenEndpoint}`)
  const api = new Api(issuer.keySet)
  await api.start()
  timeline.say('api', `ready: ${api.url}; it checks signature and expiry of every token`)

  // The main job. In your program only the endpoint and the credentials are needed.
  const token = new BackgroundCache<AccessToken>({
    ...clientCredentials({ tokenEndpoint: issuer.tokenEndpoint, ...client }),
    name: 'token',
    backoff: { base: 100, max: 400 }, // so that the story is short: 1 s and 60 s in your program
  })
  const events: CacheEvent[] = []
  token.on((event) => {
    const last = events.findLast(({ kind }) => kind === 'fetch-failed' || kind === 'fetch-succeeded')
    // Rejected for the second time in a row, the rest is the same again.
    if (!(api.refusesAll && events.some(isRejection))) tellEvent(event, last?.kind === 'fetch-failed')
    events.push(event)
  })
  const callers = new Callers(token, api.url)

  const peaceful = await callers.count(async () => {
    await tokenForAnHour()
    await refreshAhead()
    await keyRevoked()
    await issuerDown()
    await issuerBusy()
  })
  const hostile = await callers.count(everyTokenRefused)
  const after = await callers.count(() => callers.callFor(300))

  token.dispose()
  await api.stop()
  expect('no call failed but those whose every token was refused', [peaceful, after].every(isClean))
  return { expectations, figures: figuresOf(peaceful, hostile, after) }

  /** The window follows from the lifetime: nothing is configured. */
  async function tokenForAnHour(): Promise<void> {
    await callers.call()
    const { ahead } = times()
    timeline.say(
      'cache',
      `the token lives for 60 min, and will be replaced ${ahead / 60_000} min before it ends`,
      'good',
    )
    expect('a token of an hour is refreshed 15 min before it ends', ahead === 15 * 60_000)
  }

  async function refreshAhead(): Promise<void> {
    const { left, ahead } = await newToken(short)
    timeline.say('cache', `the next lives for ${seconds(left)}: replaced when half of that is left`, 'strong')
    const during = await callers.count(() => callers.callFor(left * 0.8))
    report('the refresh', during)
    expect('a short-lived token is refreshed when half its life is left', ahead > 0 && ahead <= (short * 1_000) / 2)
    expect('a new token came behind the calls', during.requests >= 1 && during.failed === 0)
    expect('no call waited for it', during.waits === 0)
  }

  /** Twenty calls hold the token that is rejected; a twenty-first is told only after they have got the next. */
  async function keyRevoked(): Promise<void> {
    await newToken(hour)
    const late = callers.call('/slow')
    await until(() => api.slow === 1)
    const [asked, rejected] = [await issuer.requests(), api.rejected]
    await issuer.renewKey()
    await api.reloadKeys()
    timeline.say('issuer', 'its signing key is revoked and replaced: every token so far is void', 'strong')
    const burst = await Promise.all(Array.from({ length: 20 }, () => callers.call()))
    const newest = token.peek()
    const requests = (await issuer.requests()) - asked
    const rejections = api.rejected - rejected
    timeline.say('callers', `20 calls at once: ${rejections} rejections, ${requests} token request`, 'good')
    expect('twenty rejected calls shared one new token', rejections === 20 && requests === 1)
    expect(
      'and all of them succeeded with it',
      burst.every((status) => status === 200),
    )
    api.openGate()
    const status = await late
    const unmoved = token.peek() === newest && (await issuer.requests()) - asked === 1
    timeline.say('callers', `a late 401 for the old token: the new one stays, and the call ends with ${status}`, 'good')
    expect('a late rejection of the old token left the new one alone', status === 200 && unmoved)
  }

  async function issuerDown(): Promise<void> {
    const { left } = await newToken(short)
    await issuer.kill()
    timeline.say('issuer', `killed (SIGKILL); the token is valid for another ${seconds(left)}`, 'strong')
    const during = await callers.count(() => callers.callFor(times().left - 400))
    report('the outage', during)
    expect('the outage was real: requests for a token failed', during.failed > 0)
    expect('no call noticed it, for as long as the token was valid', isClean(during) && during.waits === 0)
    expect('at most ten requests for a token were tried meanwhile', during.requests <= 10)
    timeline.say('issuer', 'starting again, on the same port and with the same key')
    await issuer.start()
    await until(async () => (await callers.call()) === 200)
  }

  async function issuerBusy(): Promise<void> {
    await newToken(3)
    await issuer.setMood({ lifetime: hour, busy: '1' })
    timeline.say('issuer', 'from now on 503, Retry-After: 1', 'strong')
    const from = events.length
    const find = (kind: CacheEvent['kind'], start = from) =>
      events.findIndex((event, at) => at >= start && event.kind === kind)
    const during = await callers.count(async () => {
      await callers.callUntil(() => find('fetch-failed') >= 0)
      await issuer.setMood({ lifetime: hour })
      const until = performance.now() + patience
      await callers.callUntil(() => find('fetch-succeeded') >= 0 || performance.now() > until)
    })
    const failedAt = find('fetch-failed')
    const [failed, next] = [events[failedAt], events[find('fetch-started', failedAt)]]
    const distance = failed && next ? next.at - failed.at : 0
    report('the busy issuer', during)
    timeline.say('cache', `asked again ${seconds(distance)} later, as it was told; by itself after 0.1 s`, 'good')
    expect('Retry-After was honoured', distance >= 1_000 && during.failed === 1)
    expect('no call waited for the busy issuer', isClean(during) && during.waits === 0)
  }

  async function everyTokenRefused(): Promise<void> {
    const asked = await issuer.requests()
    api.refusesAll = true
    timeline.say('api', 'refuses every token from now on', 'strong')
    const during = await callers.count(() => callers.callFor(1_200))
    const requests = (await issuer.requests()) - asked
    const rejected = during.errors.filter((name) => name === 'ValueRejectedError').length
    const outcome = `${during.refused} ended with 401, ${rejected} with ValueRejectedError at once`
    timeline.say('callers', `${during.calls} calls: ${outcome}; token requests ${requests}`, 'good')
    expect('a permanent 401 ends in ValueRejectedError', rejected > 0 && rejected === during.errors.length)
    expect('and does not hammer the issuer', requests <= 12)
    api.refusesAll = false
    timeline.say('api', 'accepts valid tokens again', 'strong')
    const began = performance.now()
    const recovered = await until(async () => (await callers.call()) === 200)
    timeline.say('callers', `the first call succeeded ${milliseconds(performance.now() - began)} later`, 'good')
    expect('calls succeed again once tokens are accepted', recovered)
  }

  /** A token of so many seconds, whatever was held. */
  async function newToken(lifetime: number): Promise<{ left: number; ahead: number }> {
    await issuer.setMood({ lifetime })
    await token.refresh()
    return times()
  }

  function times(): { left: number; ahead: number } {
    const { expiresAt = 0, refreshAt = 0 } = token.inspect()
    return { left: expiresAt - Date.now(), ahead: expiresAt - refreshAt }
  }

  function report(what: string, { calls, waits, errors, requests, failed }: Tally): void {
    const served = `${calls} calls: ${errors.length} errors, ${waits} waited`
    timeline.say('callers', `${what}: ${served}; token requests ${requests}, failed ${failed}`, 'good')
  }

  /** What the cache says about itself; of failures in a row only the first. */
  function tellEvent(event: CacheEvent, failing: boolean): void {
    if (event.kind === 'fetch-succeeded') {
      const behind = event.reason === 'aging'
      const what = `a new token in ${milliseconds(event.tookMs)}${behind ? ', behind the calls' : ''}`
      timeline.say('cache', what, behind ? 'good' : 'plain')
    }
    if (event.kind === 'invalidated') timeline.say('cache', 'drops the token that was rejected')
    if (event.kind === 'fetch-failed' && !failing) {
      const next = seconds(event.nextAttemptAt - event.at)
      timeline.say('cache', `no new token (${messageOf(event.error)}), the next request in ${next}`, 'bad')
    }
  }
}

/** Waits for something, but not for ever; says whether it came. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  const limit = performance.now() + patience
  while (!(await isSo())) {
    if (performance.now() > limit) return false
    await pause(10)
  }
  return true
}

function isRejection(event: CacheEvent): boolean {
  return event.kind === 'fetch-failed' && event.error instanceof ValueRejectedError
}

function isClean({ errors, refused }: Tally): boolean {
  return errors.length === 0 && refused === 0
}

function figuresOf(peaceful: Tally, hostile: Tally, after: Tally): string {
  const sum = (of: (tally: Tally) => number) => of(peaceful) + of(hostile) + of(after)
  const errors = peaceful.errors.length + after.errors.length
  return (
    `${sum(({ calls }) => calls)} calls, ${sum(({ requests }) => requests)} token requests ` +
    `(${peaceful.failed} failed), ${peaceful.waits + after.waits} waits, ${errors} errors; ` +
    `${hostile.errors.length + hostile.refused} more while every token was refused`
  )
}
