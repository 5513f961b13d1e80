import type { Operation } from '../call.ts'

/** How the sender is doing: what waits, and for how long. */
export const overview: Operation = {
  needs: 'read',
  ofAll: true,
  run: async ({ hooks }) => [200, await hooks.health()],
}

/** The endpoints of all tenants, and how each is doing. */
export const overviewEndpoints: Operation = {
  needs: 'read',
  ofAll: true,
  async run({ hooks, query }) {
    const cursor = query.text('cursor')
    const { data, next } = await hooks.endpoints.listAll({
      limit: query.count('limit', 50, 250),
      ...(cursor !== undefined && { cursor }),
    })
    return [200, { data: data.map(({ rev: _rev, ...endpoint }) => endpoint), nextCursor: next ?? null }]
  },
}
