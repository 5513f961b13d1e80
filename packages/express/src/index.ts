export { rawBody } from './body.ts'
export {
  type ExpressMiddleware,
  type ExpressReceiverOptions,
  type ExpressRequest,
  expressReceiver,
} from './middleware.ts'
