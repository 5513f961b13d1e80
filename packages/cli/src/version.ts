import { createRequire } from 'node:module'

/** The version of this package, such as `1.0.0`. Its manifest is one folder above the sources, and above the build. */
export const ownVersion = (): string => createRequire(import.meta.url)('../package.json').version
