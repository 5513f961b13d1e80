export { type Drainable, type NextCron, type NextCronOptions, nextCron } from './cron.ts'
export { oncePerProcess } from './once-per-process.ts'
export { type NextPagesReceiverOptions, nextPagesReceiver, type PagesHandler, type PagesRequest } from './pages.ts'
export { type NextReceiver, type NextReceiverOptions, nextReceiver, type RouteHandler } from './receiver.ts'
