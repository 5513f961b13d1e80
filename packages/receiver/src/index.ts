export { createReceiver } from './create-receiver.ts'
export * from './exports.ts'
