export { rawBody } from './body.ts'
export {
  type ExpressMiddleware,
  type ExpressReceiverOptions,
  type ExpressRequest,
  expressReceiver,
} from './middleware.ts'
export {
  type ExpressPortal,
  type ExpressPortalOptions,
  type ExpressPortalRequest,
  expressPortal,
  type FetchHandler,
} from './portal.ts'
