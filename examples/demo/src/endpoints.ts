import type { NextFunction, Request, RequestHandler, Response } from 'express'

/** How an endpoint treats a request: `nth` counts the requests of one delivery, from 1. */
type Behaviour = (nth: number, res: Response, next: NextFunction) => void

export interface EndpointKind {
  readonly name: string
  /** For the people who watch. */
  readonly does: string
  readonly behaviour: Behaviour
}

/** Each product delivers to one endpoint of each kind. `next()` is where the real receiver comes. */
export const kinds: readonly EndpointKind[] = [
  {
    name: 'steady',
    does: 'answers at once',
    behaviour: (_nth, _res, next) => next(),
  },
  {
    name: 'failing',
    does: 'answers 500 twice, then works',
    behaviour: (nth, res, next) => (nth <= 2 ? void res.sendStatus(500) : next()),
  },
  {
    name: 'hanging',
    does: 'never answers the first request',
    behaviour: (nth, _res, next) => {
      if (nth > 1) next()
    },
  },
  {
    name: 'slow',
    does: 'takes 800 ms',
    behaviour: (_nth, _res, next) => void setTimeout(next, 800),
  },
  {
    name: 'cut',
    does: 'handles the first request, and its answer gets lost',
    behaviour: (nth, res, next) => {
      // The handler has run when the answer ends, so the sender must come again, and the receiver must notice.
      if (nth === 1) res.end = () => res.destroy()
      next()
    },
  },
]

/** The headers in which deliveries are told apart without opening them. */
const ID_HEADERS = ['webhook-id', 'x-grillo-delivery', 'x-audit-trail-delivery-id']

/** A behaviour as Express middleware, to stand in front of the receiver. */
export function misbehave({ behaviour }: EndpointKind): RequestHandler {
  const requests = new Map<string, number>()
  return (req: Request, res: Response, next: NextFunction) => {
    const id = ID_HEADERS.map((header) => req.get(header)).find((value) => value !== undefined)
    // A curl by hand has no id, and is treated well.
    if (id === undefined) return next()
    const nth = (requests.get(id) ?? 0) + 1
    requests.set(id, nth)
    behaviour(nth, res, next)
  }
}
