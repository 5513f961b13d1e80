export { type FastifyPortalOptions, type FetchHandler, fastifyPortal } from './portal.ts'
export { type FastifyReceiverOptions, fastifyReceiver } from './receiver.ts'
export { type FastifyHooksOptions, fastifyHooks, type SenderLife } from './sender.ts'
