/** What the page keeps current: two tables, an access token and a config document, and how each is asked of the server. */

import type { AccessToken } from 'evercurrent/oauth'
import type { TableDescription } from '../../postgres/describe-table.ts'
import type { Condition, Config } from '../backstage.ts'

export type Value = TableDescription | AccessToken | Config

export interface Subject {
  readonly id: string
  readonly type: 'table' | 'token' | 'config'
  readonly key: string
  readonly title: string
  /** milliseconds; a token brings its own */
  readonly ttl: number
  readonly ask: (signal: AbortSignal) => Promise<Value>
}

export interface ServerState {
  readonly ready: boolean
  readonly condition: Condition
}

/** Milliseconds. The token lives for half a minute, so that one sees it end. */
export const lifetimes = { table: 6_000, config: 8_000, token: 30_000 }

const table = (key: string): Subject => ({
  id: `table-${key}`,
  type: 'table',
  key,
  title: `Table ${key}`,
  ttl: lifetimes.table,
  ask: (signal) => send<TableDescription>('GET', `tables/${key}`, { signal }),
})

export const subjects: readonly Subject[] = [
  table('customers'),
  table('orders'),
  {
    id: 'token',
    type: 'token',
    key: 'reports',
    title: 'Access token',
    ttl: lifetimes.token,
    ask: (signal) => send<AccessToken>('GET', 'token', { signal }),
  },
  {
    id: 'config',
    type: 'config',
    key: 'site',
    title: 'Config document',
    ttl: lifetimes.config,
    ask: (signal) => send<Config>('GET', 'config', { signal }),
  },
]

export function subjectById(id: string): Subject {
  const subject = subjects.find((one) => one.id === id)
  if (!subject) throw new RangeError(`Cannot find a subject: there is none with the id ${id}`)
  return subject
}

export const subjectOf = (type: Subject['type'], key: string) => subjectById(type === 'table' ? `table-${key}` : type)

interface Sent {
  readonly signal?: AbortSignal
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Rejects with the server's own words when it says no. */
async function send<T>(method: string, path: string, { signal, body, headers }: Sent = {}): Promise<T> {
  const response = await fetch(`/api/${path}`, {
    method,
    ...(signal && { signal }),
    ...(headers && { headers }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const { error, ...answer } = await response.json()
  if (error !== undefined) throw new Error(error)
  return answer as T
}

export const server = {
  state: () => send<ServerState>('GET', 'state'),
  become: (condition: Condition) => send<ServerState>('PUT', 'condition', { body: { condition } }),
  alter: (name: string) => send<{ readonly column: string }>('POST', `tables/${name}`),
  rotateKey: () => send<object>('POST', 'key'),
  write: (greeting: string) => send<Config>('PUT', 'config', { body: { greeting } }),
  /** 200 or 401 */
  orders: async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await send<{ readonly status: number }>('GET', 'orders', { headers })).status
  },
}
