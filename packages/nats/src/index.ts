export { type NatsClient, type NatsQueueOptions, type NatsStatus, natsQueue } from './nats-queue.ts'
