import type { AddressInfo } from 'node:net'
import { expressPortal } from '@hooks/express'
import { fastifyPortal } from '@hooks/fastify'
import express from 'express'
import fastify from 'fastify'
import { listen } from '../../test/hosts.ts'
import { type Host, MOUNT } from './browsing.ts'

export const onExpress: Host = {
  name: 'Express',
  serve: (portal) => listen(express().use(MOUNT, expressPortal(portal))),
}

export const onFastify: Host = {
  name: 'Fastify',
  async serve(portal) {
    const app = fastify()
    app.register(fastifyPortal, { prefix: MOUNT, portal })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const close = () => {
      app.server.closeAllConnections()
      return app.close()
    }
    return { port: (app.server.address() as AddressInfo).port, close }
  },
}
