import 'reflect-metadata'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { serve as serveFetch } from '@hono/node-server'
import { expressReceiver } from '@hooks/express'
import { fastifyReceiver } from '@hooks/fastify'
import { nextPagesReceiver, nextReceiver, type RouteHandler } from '@hooks/nextjs'
import type { Receiver } from '@hooks/receiver'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import express5 from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { httpReceiver } from '../src/http-receiver.ts'
import { koaReceiver } from '../src/koa-receiver.ts'
import { lambdaReceiver } from '../src/lambda-receiver.ts'
import type { Known } from './bytes-suite.ts'
import { gateway } from './gateway.ts'

/** Express 4 has no types of its own here; what these tests use of it is the same. */
const express4 = createRequire(import.meta.url)('express4') as typeof express5

export interface Host {
  readonly name: string
  readonly known?: Known
  /** Serves the receiver at `/webhooks`. */
  serve(receiver: Receiver): Promise<Serving>
}

export interface Serving {
  readonly port: number
  close(): unknown
}

/** A listener of node:http on a free port of this machine. */
export async function listen(listener: RequestListener): Promise<Serving> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return serving(server)
}

/** A fetch handler, behind the node server that Hono, SvelteKit and others are run with. */
export async function listenFetch(fetch: RouteHandler): Promise<Serving> {
  const server = serveFetch({ fetch, port: 0, hostname: '127.0.0.1' }) as Server
  if (!server.listening) await once(server, 'listening')
  return serving(server)
}

function serving(server: Server): Serving {
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

class App {}
Module({})(App)

const express = (name: string, make: typeof express5): Host[] => [
  {
    name: `${name}, as a route`,
    known: { otherMethods: 404 },
    serve: (receiver) => listen(make().post('/webhooks', expressReceiver(receiver))),
  },
  {
    name: `${name}, as a router's middleware`,
    serve: (receiver) => listen(make().use('/webhooks', make.Router().use(expressReceiver(receiver)))),
  },
]

export const hosts: readonly Host[] = [
  ...express('Express 4', express4),
  ...express('Express 5', express5),
  {
    name: 'Fastify',
    async serve(receiver) {
      const app = fastify().register(fastifyReceiver, { prefix: '/webhooks', receiver })
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
    },
  },
  {
    name: 'NestJS on Express',
    async serve(receiver) {
      const app = await NestFactory.create(App, { logger: false })
      app.use('/webhooks', expressReceiver(receiver))
      await app.listen(0, '127.0.0.1')
      return { port: (app.getHttpServer().address() as AddressInfo).port, close: () => app.close() }
    },
  },
  {
    name: 'NestJS on Fastify',
    async serve(receiver) {
      const app = await NestFactory.create<NestFastifyApplication>(App, new FastifyAdapter(), { logger: false })
      await app.register(fastifyReceiver as never, { prefix: '/webhooks', receiver } as never)
      await app.listen(0, '127.0.0.1')
      return { port: (app.getHttpServer().address() as AddressInfo).port, close: () => app.close() }
    },
  },
  {
    name: 'Koa',
    serve(receiver) {
      const app = new Koa().use(koaReceiver(receiver))
      app.silent = true // it would print what a sender's breaking off does to the socket
      return listen(app.callback())
    },
  },
  {
    name: 'node:http',
    serve: (receiver) => listen((request, response) => void httpReceiver(receiver)(request, response)),
  },
  {
    name: 'Hono',
    known: { joinsHeaders: true, otherMethods: 404 },
    serve: (receiver) => listenFetch(new Hono().post('/webhooks', (c) => receiver.fetch(c.req.raw)).fetch as never),
  },
  {
    name: 'a fetch server (Bun, Deno, Workers, SvelteKit, React Router)',
    known: { joinsHeaders: true },
    serve: (receiver) => listenFetch(receiver.fetch),
  },
  {
    name: 'the App Router of Next.js, its handlers alone',
    known: { joinsHeaders: true },
    serve(receiver) {
      const route = nextReceiver(receiver)
      return listenFetch((request) => route[request.method as keyof typeof route](request))
    },
  },
  {
    name: 'the Pages Router of Next.js, its handler alone',
    serve: (receiver) => listen((request, response) => void nextPagesReceiver(receiver)(request, response)),
  },
  {
    name: 'AWS Lambda behind API Gateway, REST',
    serve: (receiver) => listen(gateway('rest', lambdaReceiver(receiver))),
  },
  {
    name: 'AWS Lambda behind API Gateway, REST without binary media types',
    known: { textOnly: true },
    serve: (receiver) => listen(gateway('rest-text', lambdaReceiver(receiver))),
  },
  {
    name: 'AWS Lambda behind API Gateway, HTTP',
    known: { joinsHeaders: true, textOnly: true },
    serve: (receiver) => listen(gateway('http', lambdaReceiver(receiver))),
  },
]
