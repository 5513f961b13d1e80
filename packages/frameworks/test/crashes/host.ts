/**
 * A host's process: a framework and a receiver. It waits until it is told what to serve (`{ serve: plan }`), so that one can
 * stand by while another is killed. Told to (`{ arm: point }`), it kills itself where a message passes that point.
 */
import type { AddressInfo } from 'node:net'
import { serve as serveFetch } from '@hono/node-server'
import { expressReceiver } from '@hooks/express'
import { fastifyReceiver } from '@hooks/fastify'
import { nextReceiver } from '@hooks/nextjs'
import type { RequestHandler } from '@hooks/receiver'
import express from 'express'
import fastify from 'fastify'
import type { HostPlan } from './plan.ts'
import { arm, receive } from './receiving.ts'

process.on('message', (told: { readonly arm?: string; readonly serve?: HostPlan }) => {
  if (told.serve) return void serve(told.serve)
  arm(told.arm ?? '')
  process.send?.({ armed: told.arm })
})
// A test that ends takes its hosts along.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

async function serve(plan: HostPlan): Promise<void> {
  process.send?.({ port: await listen(plan, receive(plan)) })
}

async function listen({ framework }: HostPlan, receiver: RequestHandler): Promise<number> {
  const place = { port: 0, host: '127.0.0.1' }
  if (framework === 'Fastify') {
    const app = fastify().register(fastifyReceiver, { prefix: '/hooks', receiver })
    await app.listen(place)
    return (app.server.address() as AddressInfo).port
  }
  return new Promise((resolve) => {
    const listening = ({ port }: AddressInfo) => resolve(port)
    if (framework === 'Next.js') {
      // What its server calls; the server itself has a lane of its own.
      serveFetch({ fetch: nextReceiver(receiver).POST, ...place, hostname: place.host }, listening)
    } else {
      const app = express().post('/hooks', expressReceiver(receiver))
      const server = app.listen(0, place.host, () => listening(server.address() as AddressInfo))
    }
  })
}

process.send?.('ready')
