import type { ApiOperation } from '@hooks/core'
import { Refusal } from './refusal.ts'
import type { Shape } from './shape.ts'

/** Which operation a request is for. */
export interface Match {
  readonly operation: ApiOperation
  readonly id: string
}

interface Route {
  readonly operation: ApiOperation
  readonly methods: readonly string[]
  readonly segments: readonly string[]
}

/** An id that can be one: visible ASCII. No other is looked up, for PostgreSQL fails at a NUL. */
const ID = /^[!-~]{1,200}$/

/** Finds the operation of a method and a path, which begins after the mount. A literal wins over `:id`. */
export function createRouter({ base, routes }: Shape): (method: string, path: string) => Match | null {
  const table = (Object.entries(routes) as [ApiOperation, string][])
    .map(([operation, route]): Route => {
      const [method = '', path = ''] = route.split(' ')
      // A change is a merge whatever its verb, as products document both.
      const methods = operation === 'updateEndpoint' ? ['PATCH', 'PUT'] : [method]
      return { operation, methods, segments: segmentsOf(base + path) }
    })
    .sort((a, b) => a.segments.filter(isVariable).length - b.segments.filter(isVariable).length)

  return (method, path) => {
    const given = segmentsOf(path)
    const fitting = table.filter(({ segments }) => fits(segments, given))
    if (fitting.length === 0) return null
    const route = fitting.find(({ methods }) => methods.includes(method === 'HEAD' ? 'GET' : method))
    if (!route) {
      const allow = [...new Set(fitting.flatMap(({ methods }) => methods))].join(', ')
      throw new Refusal(405, 'method_not_allowed', `Use ${allow}.`, undefined, { allow })
    }
    return { operation: route.operation, id: decoded(given[route.segments.findIndex(isVariable)] ?? '') }
  }
}

const isVariable = (segment: string) => segment.startsWith(':')
const segmentsOf = (path: string) => path.split('/').filter((segment) => segment !== '')
const fits = (segments: readonly string[], given: readonly string[]) =>
  segments.length === given.length && segments.every((segment, i) => isVariable(segment) || segment === given[i])

function decoded(segment: string): string {
  try {
    const id = decodeURIComponent(segment)
    return ID.test(id) ? id : ''
  } catch {
    return ''
  }
}
