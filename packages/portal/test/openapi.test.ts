import type { ApiShape } from '@hooks/core'
import { validate } from '@readme/openapi-parser'
import { describe, expect, it } from 'vitest'
import { stage } from './stage.ts'

const api: ApiShape = {
  base: '/api/webhooks',
  routes: { rotateSecret: 'POST /:id/regenerate-secret' },
  names: { enabled: 'active', name: 'label' },
  secret: 'generated',
  pages: 'numbered',
  show: { endpoint: ({ id }) => ({ id }) },
}

// biome-ignore lint/suspicious/noExplicitAny: a document of any shape
const described = async (path: string, shape?: ApiShape): Promise<any> =>
  (await stage(shape && { api: shape }).call('GET', path)).json

describe('the management API describes itself', () => {
  it.each([
    ['as ours', '/v1/openapi.json', undefined],
    ["as a product's own", '/api/webhooks/openapi.json', api],
  ])('in OpenAPI that the parser of its project accepts, %s', async (_what, path, shape) => {
    expect(await validate(await described(path, shape))).toMatchObject({ valid: true })
  })

  it('with every route, and each of them is there', async () => {
    const { call } = stage()
    const { paths } = await described('/v1/openapi.json')
    for (const [path, methods] of Object.entries(paths as Record<string, object>)) {
      for (const method of Object.keys(methods)) {
        const { json, status } = await call(method.toUpperCase(), path.replaceAll('{id}', 'none'))
        expect([path, method, status === 405 || json?.code === 'not_found']).toEqual([path, method, false])
      }
    }
  })

  it("in the product's own words", async () => {
    const { paths, components } = await described('/api/webhooks/openapi.json', api)
    expect(Object.keys(paths)).toContain('/api/webhooks/{id}/regenerate-secret')
    const { properties } = paths['/api/webhooks'].post.requestBody.content['application/json'].schema
    expect(Object.keys(properties)).toEqual(['url', 'label', 'events', 'channels', 'active', 'metadata'])
    expect(Object.keys(components.schemas)).toEqual(['Problem'])
  })

  it('from where it stands, whatever it is mounted under', async () => {
    for (const [path, shape, mount] of [
      ['/v1/openapi.json', undefined, '/'],
      ['/api/webhooks/openapi.json', api, '/'],
    ] as const) {
      const { servers } = await described(path, shape)
      expect(new URL(servers[0].url, `https://app.example${path}`).pathname).toBe(mount)
    }
  })
})
