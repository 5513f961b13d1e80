// The same as index.ts where a bundler builds for no particular platform: Web Crypto alone is a third of the code.
export { createReceiver } from './create-receiver-web.ts'
export * from './exports.ts'
