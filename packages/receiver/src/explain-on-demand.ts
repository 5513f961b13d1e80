import type { Explain } from './explain.ts'

/** {@link Explain} where the process runs in development, loaded when there is something to explain; else nothing. */
export const explainsItself: Explain | false =
  typeof process === 'object' &&
  process.env?.NODE_ENV !== 'production' &&
  (async (mismatch) => (await import('./explain.ts')).explainMismatch(mismatch))
