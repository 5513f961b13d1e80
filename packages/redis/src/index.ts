export type { IoredisClient, NodeRedisClient, RedisClient } from './client.ts'
export { type RedisIdempotencyOptions, redisIdempotency } from './idempotency.ts'
