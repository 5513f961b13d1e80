import { headerBag, type InboundFormat, type Inbox, type Page, type Paged, type StoredRequest } from '@hooks/core'

/** A message that was accepted and given up. */
export interface DeadLetter {
  /** Its key in the inbox, for `replay`. */
  readonly key: string
  /** `exhausted`: its last attempt failed. `poison`: it ended its worker five times. */
  readonly reason: string
  /** The attempt in which it died. */
  readonly attempt: number
  /** Undefined where the format cannot read it any more. */
  readonly type: string | undefined
  /** The id on the wire. */
  readonly id: string | undefined
  readonly receivedAt: Date
  /** As it came. */
  readonly request: StoredRequest
}

/** What was given up, for people to look at. They stay as long as a handled message is remembered. */
export interface DeadLetters {
  /** The first to die first; 100 at a time by default. */
  list(page?: Partial<Page>): Promise<Paged<DeadLetter>>
  /** They are due at once, with all their attempts anew. Returns how many there were; other keys are left alone. */
  replay(keys: string | readonly string[]): Promise<number>
}

export function createDeadLetters(
  inbox: Inbox,
  receiver: string,
  format: InboundFormat,
  wake: () => void,
): DeadLetters {
  return {
    async list(page = {}) {
      const { data, ...rest } = await inbox.dead({ limit: 100, ...page, receiver })
      const letters = data.map(({ key, reason, attempt, request }) => ({
        key,
        reason,
        attempt,
        ...nameOf(format, request),
        receivedAt: request.receivedAt,
        request,
      }))
      return { data: letters, ...rest }
    },
    async replay(keys) {
      const count = await inbox.retry([keys].flat())
      wake()
      return count
    },
  }
}

function nameOf(format: InboundFormat, request: StoredRequest): Pick<DeadLetter, 'type' | 'id'> {
  try {
    const { type, id } = format.read({ ...request, headers: headerBag(request.headers) })
    return { type, id }
  } catch {
    return { type: undefined, id: undefined }
  }
}
