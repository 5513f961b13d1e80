export { type InboxSuiteOptions, inboxCases, inboxSuite, type TestRunner } from './inbox-suite.ts'
export type { Expectation, HostTransaction, InboxSubject } from './inbox-world.ts'
export { type SignedMessage, type SignedRequest, signRequest } from './sign-request.ts'
export { type VirtualClock, virtualClock } from './virtual-clock.ts'
