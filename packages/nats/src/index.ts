export { type NatsClient, type NatsQueueOptions, natsQueue } from './nats-queue.ts'
