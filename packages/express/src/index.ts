export { type ExpressMiddleware, type ExpressReceiverOptions, expressReceiver } from './express-receiver.ts'
export { rawBody } from './raw-body.ts'
