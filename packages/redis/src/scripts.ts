import type { Script } from './client.ts'

/**
 * A key is a hash of short fields: `t` the token, `u` when the lease or the retention ends, `a` and `c` the counts of
 * attempts and claims, `d` when the work was done. Times are the server's, in ms since 1970. What Redis itself lets
 * expire is the whole hash: at the end of the retention, or a day after a lease that came to nothing, so that crashes
 * are counted and a late completion still finds its claim.
 *
 * A server that is full refuses a script whose first write takes room, and none after that
 * (https://github.com/redis/redis/issues/8478). So a claim is refused, and what becomes of a claim is written: those
 * scripts begin with what takes none.
 */
const NOW = `
local at = redis.call('TIME')
local now = at[1] * 1000 + math.floor(at[2] / 1000)
`

const script = (text: string): Script => {
  const { createHash } = process.getBuiltinModule('node:crypto')
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** token, lease, how long the key outlives it. Asked again under a token that has the lease, it gives the same answer. */
export const BEGIN = script(`${NOW}
local h = redis.call('HMGET', KEYS[1], 't', 'u', 'a', 'c', 'd')
local left = (tonumber(h[2]) or 0) - now
if left > 0 then
  if h[5] then return {'completed'} end
  if h[1] == ARGV[1] then return {'claimed', h[3], h[4], string.format('%.0f', left)} end
  return {'in_progress', string.format('%.0f', left)}
end
if h[5] then h = {} end
local attempt = tonumber(h[3]) or 1
local claims = (tonumber(h[4]) or 0) + 1
redis.call('HSET', KEYS[1], 't', ARGV[1], 'u', now + ARGV[2], 'a', attempt, 'c', claims)
redis.call('HDEL', KEYS[1], 'd')
redis.call('PEXPIRE', KEYS[1], ARGV[2] + ARGV[3])
return {'claimed', attempt, claims, ARGV[2]}
`)

/**
 * token, retention, whether this is surely a claim that the server gave: a flush, an eviction or a failover may have made
 * it forget that. Then the work is known to be done all the same.
 */
export const COMPLETE = script(`${NOW}
local h = redis.call('HMGET', KEYS[1], 't', 'u')
if h[1] ~= ARGV[1] and (h[2] or ARGV[3] ~= '1') then return 0 end
redis.call('HDEL', KEYS[1], 'a', 'c')
redis.call('HSET', KEYS[1], 't', ARGV[1], 'u', now + ARGV[2], 'd', now)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`)

/** token, how long the key outlives it. */
export const ABANDON = script(`${NOW}
local h = redis.call('HMGET', KEYS[1], 't', 'd')
if h[1] ~= ARGV[1] or h[2] then return 0 end
redis.call('HDEL', KEYS[1], 't')
redis.call('HINCRBY', KEYS[1], 'a', 1)
redis.call('HSET', KEYS[1], 'u', now, 'c', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`)

/** token, lease, whether this is surely a claim that the server gave, how long the key outlives the lease. */
export const EXTEND = script(`${NOW}
local h = redis.call('HMGET', KEYS[1], 't', 'u', 'a', 'c', 'd')
if h[5] or h[1] ~= ARGV[1] and (h[2] or ARGV[3] ~= '1') then return 0 end
redis.call('HDEL', KEYS[1], 'd')
redis.call('HSET', KEYS[1], 't', ARGV[1], 'u', now + ARGV[2], 'a', h[3] or 1, 'c', h[4] or 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2] + ARGV[4])
return 1
`)

/** within. */
export const COMPLETED_WITHIN = script(`${NOW}
local h = redis.call('HMGET', KEYS[1], 'u', 'd')
if h[2] and tonumber(h[1]) > now and tonumber(h[2]) > now - ARGV[1] then return 1 end
return 0
`)
