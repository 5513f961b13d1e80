import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { testsIn, titlesNaming } from './titles.ts'

/**
 * What goes wrong where the sample code of the five documents is run as it is printed. Each is a promise of ours, that it
 * cannot go wrong with us, or is refused where everybody sees it: a test names its number.
 */
export const TRAPS = {
  T1: 'signs JSON.stringify(req.body) and not the bytes: the payload that the document prints is refused',
  T2: 'the same: spaces, zeros, escapes, key order, large numbers, an empty line at the end are all refused',
  T3: 'the same: other bytes that mean the same are accepted',
  T4: 'timingSafeEqual throws for unequal lengths: a short signature is a 500',
  T5: 'Buffer.from(undefined): no signature is a 500',
  T6: 'the length in characters is not the length in bytes: a letter beyond ASCII is a 500',
  T7: 'lines of a header that came twice are joined: a 500',
  T8: "another scheme's prefix is a 500",
  T9: 'hex is compared as text: upper case is refused',
  T10: 'no body parser is shown: every honest request fails',
  T11: 'without a parser the word "undefined" is signed: one signature fits every body',
  T12: 'the parser skips other content types: an honest request as text is refused',
  T13: 'the parser takes 100 kB by default: a larger honest body is a 413 before any check',
  T14: 'no bound on time, or a signed time that nobody looks at: a request of a year ago is accepted',
  T15: 'the time in the header is not signed: it can be rewritten, and the work is done again',
  T16: 'handlers are not awaited: one that rejects ends the process after its 200',
  T17: 'an async handler of Express 4 that throws ends the process: one request of a stranger does it',
  T18: 'the same, where the queue is down',
  T19: 'a secret that begins with whsec_ is decoded to another key than the text that it is',
  T20: 'two signatures in a header that holds one: refused by every sample',
  T21: 'the path of the sample is not the path that was registered: 404',
  T22: 'NaN passes the window: no time, or a word',
  T23: 'no bound ahead: next year, milliseconds, Infinity',
  T24: 'parseInt takes what begins with a number',
  T25: 'the sample never answers',
  T26: 'an event is marked as handled before it is: what fails once is lost',
  T27: 'the id is not signed: a stranger who sends it first suppresses the true event',
  T28: 'the same: one body under three ids is handled three times',
  T29: 'no id counts as an id: the second event without one is a duplicate',
  T30: 'ids are remembered in memory: not beyond a restart, and without end',
  T31: 'the answer comes before the work: a kill in between loses it',
  T32: '.catch on a call that throws at once',
  T33: 'the samples of good practice verify nothing',
  T34: 'the job is not awaited: without Redis it is lost after a 200',
  T35: 'the job is tried once',
  T36: 'the job has no id, no headers and no bytes: the same delivery is handled twice',
  T37: 'Redis forgets what was answered 200',
  T38: 'another content type becomes an empty object',
  T39: 'Bull is in maintenance',
  T40: 'express.raw() takes application/octet-stream alone: not what the document itself sends',
  T41: 'a Buffer is read as an object',
  T42: 'the token says nothing of the body: it can be altered on the way',
  T43: 'the token is compared by !==',
  T44: 'no id, and no check for duplicates',
  T45: 'the body is read before anything is checked',
  T46: 'a body parser is required and not used',
  T47: 'duplicates by data.id, whatever the type: a cancellation is a duplicate of its creation',
  T48: 'the same, where the data has no id: every second payment is lost',
  T49: 'a look and then an insert: five at once do the work five times',
  T50: 'work and mark are not one: the work is done twice',
  T51: "duplicates by the id of what the event is about: an update is the first event's duplicate",
  T52: 'the sample of error handling verifies nothing',
  T53: 'Python: no signature is a 500',
  T54: 'Python: a signature beyond ASCII is a 500',
  T55: 'Python: a body that is no UTF-8 is a 500, for anybody',
  T56: 'Python, Java: no window: a request of long ago is accepted',
  T57: 'Python, Java: a missing time is signed as the word None or null',
  T58: 'Python: bytes that are no UTF-8 are replaced, so that other bytes fit the signature',
  T59: 'Python: a signed list is a 500',
  T60: 'Python: an honest request as text is a 400 after its signature was accepted',
  T61: 'Python: a signed NaN, which is no JSON, is taken',
  T62: 'Python: bytes are no text: AttributeError',
  T63: 'Python: no signature, or half a surrogate, throws',
  T64: 'Python: json.dumps of what was parsed has spaces: an honest request is refused',
  T65: 'PHP: no signature is an error page with the status 200, which counts as delivered',
  T66: 'PHP: a secret that is not set is the empty key, with which anybody signs',
  T67: 'PHP: a signed word is taken, with a warning',
  T68: 'PHP: hash_equals has its arguments the wrong way round',
  T69: "Java: the machine's character set: letters beyond ASCII are refused",
  T70: 'Java: the same: all of them are one letter',
  T71: 'curl: a command without a host',
  T72: 'curl: braces in a URL are a list',
  T73: 'curl: a POST without a body has no content type either',
  T74: 'bash: a request in the place of a command',
  T75: 'JSON that is none, for its dots',
  T76: 'a misspelt part of what is signed is signed as the word that it is',
} as const

export type Trap = keyof typeof TRAPS

/** Those that no code of ours can fall into or keep anybody from, and why. */
export const BEYOND_US: Readonly<Partial<Record<Trap, string>>> = {
  T39: "how another project is kept up is its own affair; Audit Trail's example has BullMQ in its place",
}

/** By trap, the titles of the tests that name it, of all packages and examples of the repository at `root`. */
export function keptTraps(root: string): ReadonlyMap<Trap, readonly string[]> {
  const rooms = ['packages', 'examples'].flatMap((floor) =>
    readdirSync(join(root, floor)).map((room) => join(root, floor, room, 'test')),
  )
  const tests = rooms.filter(existsSync).flatMap(foldersOf).flatMap(testsIn)
  return new Map((Object.keys(TRAPS) as Trap[]).map((trap) => [trap, titlesNaming(trap, tests)]))
}

const foldersOf = (folder: string): string[] => [
  folder,
  ...readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => foldersOf(join(folder, name))),
]
