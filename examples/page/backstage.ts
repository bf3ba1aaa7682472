/** What is behind the page: a Postgres and an issuer in processes of their own, a config document, and what befalls them. */

import { setTimeout as pause } from 'node:timers/promises'
import { type AccessToken, clientCredentials } from 'evercurrent/oauth'
import { Api } from '../credentials/api.ts'
import { Issuer } from '../credentials/issuer.ts'
import { client } from '../credentials/issuing.ts'
import { type Database, openDatabase } from '../postgres/database.ts'
import { describeTable, type TableDescription } from '../postgres/describe-table.ts'
import { Source } from '../postgres/source.ts'
import { standStill } from './standstill.ts'

/** `slow` and `failing` are played here; `hung` is SIGSTOP and `down` is SIGKILL. */
export const conditions = ['well', 'slow', 'failing', 'hung', 'down'] as const
export type Condition = (typeof conditions)[number]

export interface Config {
  readonly revision: number
  readonly greeting: string
}

const tables = `
  CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE, name text);
  CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, placed_at timestamptz DEFAULT now())`
const tableNames: readonly string[] = ['customers', 'orders']
const slowness = 900
/** seconds: short, so that one sees it end */
const tokenLifetime = 30
const patience = 5_000

export class Unavailable extends Error {}

export class Backstage {
  readonly #source = new Source()
  readonly #issuer = new Issuer()
  #api: Api | undefined
  #database: Database | undefined
  #condition: Condition = 'well'
  #ready = false
  /** what lets hung processes go on */
  #wake: (() => Promise<void>)[] = []
  #recovered: Promise<void> = Promise.resolve()
  #recover = () => {}
  /** changes of the condition, one after the other */
  #change: Promise<void> = Promise.resolve()
  #config: Config = { revision: 1, greeting: 'hello' }
  #altered = 0

  get state() {
    return { ready: this.#ready, condition: this.#condition, processes: [this.#source.pid, this.#issuer.pid] }
  }

  async start(): Promise<void> {
    await Promise.all([this.#source.start(), this.#issuer.start()])
    this.#database = openDatabase(this.#source.port, patience)
    await this.#database.query(tables)
    await this.#issuer.setMood({ lifetime: tokenLifetime })
    this.#api = new Api(this.#issuer.keySet)
    await this.#api.start()
    this.#ready = true
  }

  /** Says whether every process is gone, and the data. */
  async end(): Promise<boolean> {
    await this.#letGo()
    await this.#database?.end().catch(() => {})
    await this.#api?.stop()
    const [issuer, source] = await Promise.all([this.#issuer.kill(), this.#source.remove()])
    return issuer && source
  }

  setCondition(condition: Condition): Promise<void> {
    this.#change = this.#change.catch(() => {}).then(() => this.#become(condition))
    return this.#change
  }

  async describe(table: string, signal: AbortSignal): Promise<TableDescription> {
    if (!tableNames.includes(table)) throw new Unavailable(`there is no table ${table}`)
    await this.#play(signal)
    return describeTable(this.#pool, table, signal)
  }

  /** The client's secret stays on this side. */
  async token(signal: AbortSignal): Promise<AccessToken> {
    // The issuer itself says 503 when it is failing, so that its answer is a real one.
    if (this.#condition === 'slow') await pause(slowness, undefined, { signal })
    const { fetch } = clientCredentials({ tokenEndpoint: this.#issuer.tokenEndpoint, ...client })
    const context = { signal, reason: 'first', startedAt: Date.now(), notModified: () => undefined as never } as const
    return fetch(context, undefined) as Promise<AccessToken>
  }

  async config(signal: AbortSignal): Promise<Config> {
    await this.#play(signal)
    if (this.#condition === 'hung') await untilAborted(signal, this.#recovered)
    if (this.#condition === 'down') throw new Unavailable('the config service is down')
    return this.#config
  }

  write(greeting: string): Config {
    if (this.#condition !== 'well' && this.#condition !== 'slow') throw this.#refusal('write the config')
    this.#config = { revision: this.#config.revision + 1, greeting }
    return this.#config
  }

  /** A real ALTER TABLE. Gives the name of the new column. */
  async alter(table: string): Promise<string> {
    if (!tableNames.includes(table)) throw new Unavailable(`there is no table ${table}`)
    if (this.#condition === 'hung' || this.#condition === 'down') throw this.#refusal(`alter ${table}`)
    this.#altered += 1
    const column = `note_${this.#altered}`
    await this.#pool.query(`ALTER TABLE ${table} ADD COLUMN ${column} text`)
    return column
  }

  async rotateKey(): Promise<void> {
    if (this.#condition === 'hung' || this.#condition === 'down') throw this.#refusal('rotate the key')
    await this.#issuer.renewKey()
    await this.#api?.reloadKeys()
  }

  /** What the API behind the token says to it: 200 or 401. */
  async callApi(authorization: string): Promise<number> {
    if (!this.#api) throw new Unavailable('the API is starting')
    const response = await fetch(this.#api.url, { headers: { authorization } })
    await response.text()
    return response.status
  }

  get #pool(): Database {
    if (!this.#database) throw new Unavailable('Postgres is starting')
    return this.#database
  }

  #refusal(what: string): Unavailable {
    return new Unavailable(`Cannot ${what}: the source is ${this.#condition}`)
  }

  async #play(signal: AbortSignal): Promise<void> {
    if (this.#condition === 'slow') await pause(slowness, undefined, { signal })
    if (this.#condition === 'failing') throw new Unavailable('the source answers 503')
  }

  async #become(condition: Condition): Promise<void> {
    if (condition === this.#condition || !this.#ready) return
    await this.#letGo()
    if (this.#condition === 'down') await Promise.all([this.#source.start(), this.#issuer.start()])
    if (condition === 'hung') {
      this.#recovered = new Promise((resolve) => {
        this.#recover = resolve
      })
      const pids = [this.#source.pid, this.#issuer.pid].filter((pid) => pid !== undefined)
      this.#wake = await Promise.all(pids.map(standStill))
    } else if (condition === 'down') await Promise.all([this.#source.kill(), this.#issuer.kill()])
    else await this.#issuer.setMood({ lifetime: tokenLifetime, ...(condition === 'failing' && { busy: '1' }) })
    this.#condition = condition
  }

  async #letGo(): Promise<void> {
    this.#recover()
    await Promise.all(this.#wake.splice(0).map((wake) => wake()))
  }
}

function untilAborted(signal: AbortSignal, otherwise: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    void otherwise.then(resolve)
  })
}
