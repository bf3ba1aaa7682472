/** The numbered examples, run as a reader runs them: each in a process of its own, which prints a few lines and ends. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsx = createRequire(import.meta.url).resolve('tsx/cli')
/** One of them starts a database, and another an issuer and four programs. */
const deadline = 40_000
const examples = readdirSync(`${root}/examples`).filter((name) => name.endsWith('.ts'))

const printed: Readonly<Record<string, string>> = {
  '01-single-value.ts': `
{ theme: 'dark' }
{ theme: 'dark' }
`,
  '02-token.ts': `
the first call waits for a token
  issuer: here is token-1
  token-1: 200
56 minutes later it is served at once, and replaced behind the call
  issuer: here is token-2
  token-1: 200
  token-2: 200
token-2 is revoked: two calls are rejected, and share one new token
  token-2: 401
  issuer: here is token-3
  token-2: 401
  token-3: 200
  token-3: 200
`,
  '03-observe.ts': `
snapshot: refreshing -
snapshot: current v1
rxjs: V1
loop: v1
-- the window opens at 25 s; the fetch fails, and is tried again after its cool-down
snapshot: refreshing v1
snapshot: current v1, a fetch failed
snapshot: refreshing v1, a fetch failed
snapshot: current v3
rxjs: V3
loop: v3
-- nobody follows any more: nothing is fetched
snapshot: disposed -
`,
  '04-test-your-code.ts': `
two readers, one fetch
served at once, refreshed behind
a failed refresh is no reader’s problem
an expired value is not served
`,
  '05-one-client-from-two-caches.ts': `
somebody follows the client: both values are fetched, and kept current from here on
  open  client(id; token-1)
  answered by client(id; token-1)
  answered by client(id; token-1)
25 s: the schema was fetched 3 times and said the same: the client stays
  answered by client(id; token-1)
30 s: the next refresh finds a new column; a reader gets the new client
  close client(id; token-1)
  open  client(id,shipped_at; token-1)
  answered by client(id,shipped_at; token-1)
35 s: somebody brings a new token
  close client(id,shipped_at; token-1)
  open  client(id,shipped_at; token-2)
  answered by client(id,shipped_at; token-2)
nobody follows it any more
  close client(id,shipped_at; token-2)
an hour later: 0 more fetches
`,
  '06-slow-consumer.ts': `
   0 s  rxjs:  v1
   0 s  queue: v1
   0 s  loop:  v1
 3.3 s  rxjs:  v4
 3.3 s  queue: v2, 2 behind
 3.3 s  loop:  v4
 6.6 s  rxjs:  v7
 6.6 s  queue: v3, 4 behind
 6.6 s  loop:  v7
 9.9 s  rxjs:  v10
 9.9 s  queue: v4, 6 behind
 9.9 s  loop:  v10
12.5 s  the source was asked 13 times: slow consumers do not slow the cache
12.5 s  9 values wait in the queue; the other two get v13 or newer next
`,
  '07-client-credentials.ts': `
three calls at once share one token
  issuer: a token
  api: 200
  api: 200
  api: 200
it ends in 60 min, and is replaced 15 min before that
it is revoked: the next call drops it, and tries again with a new one
  api: 401
  issuer: a token
  api: 200
the call ended with 200
`,
  '08-all-tables.ts': `
the first look at all tables
  query: what are the columns of customers, orders, line_items, returns?
customers: id, email
orders: id, customer_id
line_items: order_id, line, amount
returns: order_id
a thousand more, and a thousand at one of them
ALTER TABLE orders, and the cache is told: only that table is asked for
  query: what are the columns of orders?
customers: id, email
orders: id, customer_id, shipped_at
line_items: order_id, line, amount
returns: order_id
DROP TABLE returns, the same way
  query: what are the columns of returns?
customers: id, email
orders: id, customer_id, shipped_at
line_items: order_id, line, amount
returns: (no such table)
`,
  '09-tenants.ts': `
two tenants read the same names, and never see each other’s
  service: acme/theme
  service: acme/limits
acme/theme acme/limits
  service: globex/theme
  service: globex/limits
globex/theme globex/limits
acme/theme globex/theme
held: acme theme,limits; globex theme,limits
a fifth value: the one not read for longest makes room, whoever’s it is
  service: globex/flags
held: acme theme; globex theme,limits,flags
acme is dropped, globex does not notice
held: acme ; globex theme,limits,flags
  service: acme/theme
3 hits, 6 misses, 6 fetches, 1 evicted, 4 held
33 % of the reads found a value
`,
  '10-batch-endpoint.ts': `
three ids, one request; nobody has the id 9, so it is left out
  GET ?ids=1,2,9
1 Ann, 2 Bob
one more: only what is not held is asked for
  GET ?ids=3
1 Ann, 2 Bob, 3 Cy
55 s later all three are due: served at once, refreshed behind in one request
1 Ann, 2 Bob, 3 Cy
  GET ?ids=1,2,3
1 Ann, 2 Bobby, 3 Cy
the endpoint is down: what is held is in the error
  GET ?ids=3 -> 503
1 of 3 keys failed: see errors, and values for the others
failed: 3, Error: HTTP 503
1 Ann, 2 Bobby
`,
  '11-metrics.ts': `
evercurrent.fetches 2 {fetch} type=schema fetch.reason=first
evercurrent.fetches 1 {fetch} type=flag fetch.reason=first
evercurrent.fetches 1 {fetch} type=schema fetch.reason=expired
evercurrent.fetch.failures 1 {failure} type=schema error.type=_OTHER failure.class=retry
evercurrent.fetch.duration 2 took 0.4 s type=schema
evercurrent.fetch.duration 1 took 0.2 s type=flag
evercurrent.fetch.duration 1 took 0.2 s type=schema error.type=_OTHER
evercurrent.stale_reads 1 {read} type=schema
evercurrent.reads 20 {read} type=schema read.result=hit
evercurrent.reads 0 {read} type=schema read.result=backend_hit
evercurrent.reads 3 {read} type=schema read.result=miss
evercurrent.reads 0 {read} type=flag read.result=hit
evercurrent.reads 0 {read} type=flag read.result=backend_hit
evercurrent.reads 1 {read} type=flag read.result=miss
evercurrent.entry.count 3 {entry}
evercurrent.value.age.max 40.4 s type=schema
evercurrent.value.age.max 40.4 s type=flag
`,
  '12-restart.ts': `
  source: the flags of ann, version 1
first: version 1
-- 10 s later: the source is down, and a second program starts
second: version 1
1 read from the tier, 0 fetches
-- a minute later: a third one, and what is stored has expired
  source: down
third: version 1, stale
third: version 1, stale
-- the source is back, and the cool-down is over
third: version 1, stale
  source: the flags of ann, version 2
third: version 2
`,
  '13-token-between-runs.ts': `
the first run
  a new token from the issuer
  its key file has mode 600
the second run
  the token of an earlier run
  the same token: true; requests to the issuer: 1
with another key
  what is stored cannot be read with this key
  a new token from the issuer
  the same token: false; requests to the issuer: 2
the issuer is gone, and that key again
  the token of an earlier run
  the same token: true
the files have 0 of the 6 parts of the tokens
what is not encrypted: the key of the value, 'reports': true
`,
  '14-changing-key.ts': `
  service: ann, version 1
view: ann v1
40 s later it is refreshed without a reader
  service: ann, version 2
view: ann v2
bob is selected: ann is not fetched any more
  service: bob, version 1
view: bob v1
  service: bob, version 2
view: bob v2
ann again: what is held is shown at once, and refreshed behind
view: ann v2
  service: ann, version 3
view: ann v3
`,
  '15-svelte-vue-angular.ts': `
svelte: pro
vue: pro
vue: free
angular: free
angular, only the value: free
observers left: 0
`,
}

describe.each(examples)('examples/%s', (name) => {
  const path = `${root}/examples/${name}`

  it('prints what it says, and ends by itself', { timeout: deadline + 5_000 }, async () => {
    const limits = { cwd: root, timeout: deadline }
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [tsx, path], limits)
    expect(stderr).toBe('')
    expect(stdout.trim()).toBe(printed[name]?.trim())
  })

  it('is numbered, short, and imports the package by its name', () => {
    const text = readFileSync(path, 'utf8')
    expect(name).toMatch(/^\d\d-[a-z-]+\.ts$/)
    expect(text.split('\n').length).toBeLessThan(61)
    // One of them runs what uses the package as a program of its own.
    const used = text.includes("'./credentials/tool.ts'")
      ? readFileSync(`${root}/examples/credentials/tool.ts`, 'utf8')
      : text
    expect(used).toContain("from 'evercurrent'")
    // What only stands for the source may be kept beside it.
    expect(text.replaceAll(/from '\.\/(postgres|credentials)\//g, '')).not.toContain("from '.")
  })
})
