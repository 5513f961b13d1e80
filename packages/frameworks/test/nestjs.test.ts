import 'reflect-metadata'
import { expressReceiver } from '@hooks/express'
import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterEach, describe, expect, it } from 'vitest'
import { receiverUnderTest, sign } from './bytes-suite.ts'
import { send } from './exchange.ts'

/** A receiver as one of Nest's own middlewares, which its parsers are in front of. */
class App implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(expressReceiver(receiverUnderTest())).forRoutes('webhooks')
  }
}
Module({})(App)

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function serve(options: object) {
  const app = await NestFactory.create(App, { logger: false, ...options })
  closing.push(() => app.close())
  await app.listen(0, '127.0.0.1')
  return { port: app.getHttpServer().address().port, path: '/webhooks' }
}

describe('a receiver as a middleware of a module', () => {
  it('takes the bytes that Nest was told to keep', async () => {
    const place = await serve({ rawBody: true })
    const honest = await sign({ body: '{ "type":"booking.created", "data": 1.0 }' })
    expect(await send(place, honest)).toMatchObject({ status: 200, body: 'handled' })
  })

  it('answers 500 where Nest parsed and kept nothing', async () => {
    expect(await send(await serve({}), await sign())).toMatchObject({
      status: 500,
      body: '{"error":"body_unavailable"}',
    })
  })
})
