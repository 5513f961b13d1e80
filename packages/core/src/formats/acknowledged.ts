/** Whether a request was taken, by its outcome: handled, known, not wanted, or kept for later. */
export const isAcknowledged = (outcome: string | undefined): boolean =>
  /^(handled|duplicate|discarded|unknown_event|accepted)$/.test(outcome ?? '')
