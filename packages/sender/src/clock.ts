import { type Clock, systemClock } from '@hooks/core'

/** The machine's clock, with the turns of Node.js's event loop, by which a busy worker groups what it settles. */
export const nodeClock: Clock = { ...systemClock, turn: () => new Promise((resolve) => setImmediate(resolve)) }
