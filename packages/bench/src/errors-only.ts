import { type Logger, silentLogger } from '@hooks/core'

/** A run prints its figures, and what went wrong. */
export const errorsOnly: Logger = { ...silentLogger, error: (fields, message) => console.error(message, fields) }
