/** What is done on the server in one step: four scripts for what is kept, three for leases, each within one hash slot. */

import type { RedisClientLike } from './redis-client.ts'

/** The name of this life of this server: a restart, a restored copy and a promoted replica have another one. */
const life = `local run = redis.call('INFO', 'server'):match('run_id:(%x+)')
`

/**
 * A record is a line of words and the bytes: `life token`, and of a value also `epoch number fetchedAt expiresAt keepUntil`.
 * A miss leaves a record too, for its token. Gives the record, or the error that kept it from being made.
 */
const look = `${life}local record = redis.call('GET', KEYS[1])
if record and record:sub(1, #run) == run then
  if record:find('^%x+ %w+\\n') then redis.pcall('PEXPIRE', KEYS[1], ARGV[2]) end
  return record
end
record = run .. ' ' .. ARGV[1] .. '\\n'
local made = redis.pcall('SET', KEYS[1], record, 'PX', ARGV[2])
return made.err and made or record`

/** 1: written, now or by the same command before, if the client sent it twice. 0: the token is another one, or gone. */
const write = `${life}local id = redis.call('GETRANGE', KEYS[1], 0, 99):match('^%x+ %w+')
if id == run .. ' ' .. ARGV[2] then return 1 end
if id ~= ARGV[1] or id:sub(1, #run) ~= run then return 0 end
local record = run .. ' ' .. ARGV[2] .. ' ' .. ARGV[3] .. '\\n' .. ARGV[4]
if ARGV[5] == '' then redis.call('SET', KEYS[1], record) else redis.call('SET', KEYS[1], record, 'PX', ARGV[5]) end
return 1`

/** 0: the token is another one, or gone. Else the life, and the first line of what was there. A full server deletes. */
const drop = `${life}local line = redis.call('GETRANGE', KEYS[1], 0, 299):match('^[^\\n]*')
local id = line:match('^%x+ %w+')
if ARGV[1] ~= '' and (id ~= ARGV[1] or id:sub(1, #run) ~= run) then return 0 end
local made = redis.pcall('SET', KEYS[1], run .. ' ' .. ARGV[2] .. '\\n', 'PX', ARGV[3])
if made.err then
  if not made.err:find('^OOM') then return made end
  redis.call('DEL', KEYS[1])
end
return { run, line }`

/**
 * The barriers of a shard are one sorted set, so that they can only be lost together: `e` and their epoch, `p` and each
 * prefix with the number it was dropped at, `f` with the number below which all is outdated. Adds a prefix, if one is
 * given; gives the epoch, the number now, and for each key the number of the last barrier above it.
 */
const barriers = `${life}local epoch, now, floor, prefixes = nil, 0, 0, {}
local all = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #all, 2 do
  local kind, text, at = all[i]:sub(1, 1), all[i]:sub(2), tonumber(all[i + 1])
  if kind == 'e' then epoch = text elseif kind == 'f' then floor = at else prefixes[text] = at end
  now = math.max(now, at)
end
local function add(member, at)
  local added = redis.pcall('ZADD', KEYS[1], at, member)
  return type(added) == 'table' and added
end
if not epoch or epoch:sub(1, #run) ~= run then
  epoch, now, floor, prefixes = run .. ARGV[1], 0, 0, {}
  redis.pcall('DEL', KEYS[1])
  local failed = add('e' .. epoch, 0)
  if failed and not (ARGV[2] == 'drop' and failed.err:find('^OOM')) then return failed end
  if failed then return { epoch:sub(#run + 1), 0 } end
end
if ARGV[2] == 'drop' then
  local prefix = ARGV[3]
  local failed = add('p' .. prefix, now + 1)
  if failed then
    if not failed.err:find('^OOM') then return failed end
    redis.call('DEL', KEYS[1])
    return { epoch:sub(#run + 1), 0 }
  end
  local count, oldest = 1, nil
  for other, at in pairs(prefixes) do
    if other ~= prefix then
      if other:sub(1, #prefix) == prefix then
        redis.call('ZREM', KEYS[1], 'p' .. other)
      else
        count = count + 1
        if not oldest or at < prefixes[oldest] then oldest = other end
      end
    end
  end
  if count > 256 then
    redis.call('ZADD', KEYS[1], prefixes[oldest], 'f')
    redis.call('ZREM', KEYS[1], 'p' .. oldest)
  end
  return { epoch:sub(#run + 1), now + 1 }
end
local answer = { epoch:sub(#run + 1), now }
for i = 3, #ARGV do
  local last = floor
  for prefix, at in pairs(prefixes) do
    if at > last and ARGV[i]:sub(1, #prefix) == prefix then last = at end
  end
  answer[i] = last
end
return answer`

/**
 * A lease is `holder fence`; once released its holder is `-`, for as long as its fence is remembered. Gives the fence, or
 * how long it is held yet and with which fence, or -1: whoever waited finds that it was released.
 */
const acquire = `local held = redis.call('GET', KEYS[1])
local free = not held or held:sub(1, 1) == '-'
if not free then return { math.max(redis.call('PTTL', KEYS[1]), 0), held:match('%d+$') } end
if held and ARGV[3] == 'waited' then return -1 end
local time = redis.call('TIME')
local fence = math.max(held and tonumber(held:match(' (%d+)')) + 1 or 0, time[1] * 1000000 + time[2])
fence = string.format('%.0f', fence)
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. fence, 'PX', ARGV[2])
return fence`

const ifHolder = `local held = redis.call('GET', KEYS[1])
if not held or held:match('^%S+') ~= ARGV[1] then return 0 end
`

const renew = `${ifHolder}return redis.call('PEXPIRE', KEYS[1], ARGV[2])`

/** Everybody hears of it in the same step. */
const release = `${ifHolder}redis.call('SET', KEYS[1], '-' .. held:match(' %d+'), 'PX', ARGV[2])
return redis.call('PUBLISH', ARGV[3], ARGV[4])`

/** By a script, for a cluster sends what has no key to any node, and messages by different nodes overtake one another. */
const publish = `return redis.call('PUBLISH', KEYS[1], ARGV[1])`

const scripts = { publish, look, write, drop, barriers, acquire, renew, release }

export type Run = (
  script: keyof typeof scripts,
  key: string,
  args: readonly (string | Uint8Array)[],
) => Promise<unknown>

/** Sends the name of a script, and its text to a server that does not know it. */
export function createRun(client: RedisClientLike): Run {
  const names = new Map<string, string | Promise<string>>()
  const nameOf = (text: string) => {
    const known = names.get(text)
    if (known !== undefined) return known
    const made = sha1(text)
    names.set(text, made)
    made.then((name) => names.set(text, name))
    return made
  }
  return async (script, key, args) => {
    const text = scripts[script]
    const name = nameOf(text)
    try {
      return await client.command(['EVALSHA', typeof name === 'string' ? name : await name, '1', key, ...args], key)
    } catch (error) {
      if (!(error as Error)?.message?.startsWith('NOSCRIPT')) throw error
      return client.command(['EVAL', text, '1', key, ...args], key)
    }
  }
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text))
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
