/** What happens to the two connections, and what has to hold: a revoked key, a changed table, an issuer that is busy. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Connection, connect } from '@lancedb/lancedb'
import { BackgroundCache, type CacheEvent, CacheRegistry } from 'evercurrent'
import { clientCredentials } from 'evercurrent/oauth'
import { client, type Issuing } from '../credentials/issuing.ts'
import { messageOf, milliseconds, seconds, type Timeline } from '../postgres/timeline.ts'
import { authorized, columnsOf, connectWith } from './database.ts'
import type { RemoteApi } from './remote-api.ts'

interface Expectation {
  readonly text: string
  readonly held: boolean
}

interface Story {
  readonly expectations: readonly Expectation[]
  readonly figures: string
}

const together = 8
const patience = 10_000
/** seconds that a token lives while the issuer is busy; it is replaced when half of that is left */
const short = 5

export async function tellStory(issuer: Issuing, api: RemoteApi, timeline: Timeline): Promise<Story> {
  const expectations: Expectation[] = []
  const expect = (text: string, held: boolean) => expectations.push({ text, held })
  const token = new BackgroundCache({
    ...clientCredentials({ tokenEndpoint: `http://127.0.0.1:${issuer.port}/token`, ...client }),
    maxWait: '3s',
  })
  token.on(tell)
  const database = await connectWith(token, api.url)
  const registry = new CacheRegistry()
  let calls = 0
  let errors = 0

  await oneTokenForAll()
  await keyRevoked()
  await tableChanged()
  await issuerBusy()

  const { fetches, fetchFailures } = token.stats()
  token.dispose()
  registry.dispose()
  database.close()
  const requests = `${fetches} token requests (${fetchFailures} failed)`
  return { expectations, figures: `${requests}, ${calls} calls, ${api.rejected} with 401, ${errors} errors` }

  async function count(): Promise<boolean> {
    calls += 1
    try {
      return (await authorized(token, () => rowsOf(database))) === 42
    } catch (error) {
      errors += 1
      timeline.say('calls', `failed: ${messageOf(error)}`, 'bad')
      return false
    }
  }

  async function oneTokenForAll(): Promise<void> {
    const succeeded = await Promise.all(Array.from({ length: together }, count))
    timeline.say('calls', `${together} at once, of a client that has just connected: ${issuer.requests} token request`)
    expect('the first calls shared one token', succeeded.every(Boolean) && issuer.requests === 1)
  }

  async function keyRevoked(): Promise<void> {
    const asked = issuer.requests
    await revoke()
    const succeeded = await Promise.all(Array.from({ length: together }, count))
    const requests = issuer.requests - asked
    timeline.say('calls', `${together} at once: ${api.rejected} with 401 at first, ${requests} token request`, 'good')
    expect(
      'calls with the rejected token shared one new token',
      api.rejected >= 1 && api.rejected <= together && requests === 1,
    )
    expect('and all of them succeeded', succeeded.every(Boolean))
  }

  /** LanceDB keeps schemas too, and is told of a change by an open table; the registry is told by the table's name. */
  async function tableChanged(): Promise<void> {
    const schemas = registry.define({
      type: 'schema',
      ttl: '30s',
      fetch: (table: string) => authorized(token, async () => columnsOf(await database.openTable(table))),
    })
    const columns = async () => (await schemas.get('orders')).join(', ')
    timeline.say('schema', `orders has ${await columns()}`)
    const asked = api.describes
    const took = await timed(async () => {
      for (let read = 0; read < 1_000; read += 1) await columns()
    })
    expect('a thousand reads of a schema asked the API nothing', api.describes === asked)
    const table = await database.openTable('orders')
    const tookThem = await timed(async () => {
      for (let read = 0; read < 1_000; read += 1) await table.schema()
    })
    timeline.say(
      'schema',
      `a thousand reads: ${milliseconds(took)}, by LanceDB's own cache ${milliseconds(tookThem)}; no request`,
    )
    api.addColumn('title')
    const theirs = (await table.schema()).fields.map(({ name }) => name).join(', ')
    await schemas.invalidate('orders')
    const ours = await columns()
    timeline.say('api', 'a column is added to orders, and the cache is told', 'strong')
    timeline.say('schema', `orders has ${ours}; the table that was open says ${theirs}`, 'good')
    const isFound = ours === 'id, vector, title' && api.describes === asked + 1
    expect('the next read found the new column, at the price of one request', isFound)
  }

  async function issuerBusy(): Promise<void> {
    issuer.mood = { lifetime: short }
    const other = await connectTheirs()
    await rowsOf(other)
    const theirEnd = Date.now() + short * 1_000 - 100
    await token.refresh()
    const before = token.stats()
    const [asked, failedBefore, from] = [issuer.requests, errors, calls]
    issuer.mood = { lifetime: short, busy: '1' }
    timeline.say('issuer', `two tokens that live for ${short} s; from now on 503, Retry-After: 1`, 'strong')
    let [theirCalls, theirErrors, firstError] = [0, 0, '']
    let over = false
    const stop = token.on(({ kind }) => {
      // Once both clients have met the busy issuer, it has time again.
      if (kind === 'fetch-failed') issuer.mood = { lifetime: short }
      if (kind === 'fetch-succeeded') over = true
    })
    const end = performance.now() + patience
    const until = async (call: () => Promise<unknown>) => {
      for (; !over && performance.now() < end; await pause(10)) await call()
    }
    const callTheirs = async () => {
      theirCalls += 1
      await rowsOf(other).catch((error) => {
        if (Date.now() > theirEnd) return
        theirErrors += 1
        firstError ||= messageOf(error)
      })
    }
    await Promise.all([until(count), until(count), until(callTheirs), until(callTheirs)])
    stop()
    other.close()
    const { fetches, fetchFailures, misses } = token.stats()
    const ours = { requests: fetches - before.fetches, failed: fetchFailures - before.fetchFailures }
    const failed = errors - failedBefore
    const waited = misses - before.misses
    timeline.say(
      'calls',
      `${calls - from}: ${failed} errors, ${waited} waited; token requests ${ours.requests}, failed ${ours.failed}`,
      'good',
    )
    const requests = issuer.requests - asked - ours.requests
    timeline.say(
      'theirs',
      `${theirCalls}: ${theirErrors} errors, while their token was valid; token requests ${requests}`,
    )
    if (firstError) timeline.say('theirs', firstError, 'faint')
    expect('the issuer was busy when the token was due, and no call noticed', ours.failed >= 1 && failed === 0)
    expect('a new token came behind the calls', over && waited === 0)
  }

  /** No token of before is valid from here on. */
  async function revoke(): Promise<void> {
    await issuer.renewKey()
    await api.reloadKeys()
    timeline.say('issuer', 'its signing key is revoked and replaced: every token so far is void', 'strong')
  }

  /** What LanceDB ships: near its end, a token is replaced in front of every call, which fails if that does. */
  function connectTheirs(): Promise<Connection> {
    const { clientId, clientSecret } = client
    const oauthConfig = {
      issuerUrl: `http://127.0.0.1:${issuer.port}`,
      clientId,
      clientSecret,
      scopes: ['orders'],
      refreshBufferSecs: 3,
    }
    return connect('db://shop', { oauthConfig, hostOverride: api.url })
  }

  function tell(event: CacheEvent): void {
    if (event.kind === 'fetch-succeeded') {
      const behind = event.reason === 'aging' ? ', behind the calls' : ''
      timeline.say('cache', `a new token in ${milliseconds(event.tookMs)}${behind}`, behind ? 'good' : 'plain')
    }
    if (event.kind === 'invalidated') timeline.say('cache', 'drops the token that was rejected')
    if (event.kind === 'fetch-failed') {
      const next = seconds(event.nextAttemptAt - event.at)
      timeline.say('cache', `no new token (${messageOf(event.error)}), the next request in ${next}`, 'bad')
    }
  }
}

async function rowsOf(database: Connection): Promise<number> {
  return (await database.openTable('orders')).countRows()
}

async function timed(act: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}
