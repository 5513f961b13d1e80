import type { FastifyPluginAsync } from 'fastify'
import { checkServed } from './served.ts'

/** What the plugin needs of a sender. `createSender` of `@hooks/sender` makes one. */
export interface SenderLife {
  start(): void
  stop(): Promise<void>
}

/** Options of {@link fastifyHooks}. */
export interface FastifyHooksOptions {
  readonly sender: SenderLife
  /**
   * When this process begins to deliver: when the server listens, by default; when it is ready, for servers that never
   * listen, such as those that another server hands its requests to; or never, where another process delivers.
   */
  readonly start?: 'listen' | 'ready' | 'never'
}

const STARTS: readonly string[] = ['listen', 'ready', 'never']

const plugin: FastifyPluginAsync<FastifyHooksOptions> = async (app, { sender, start = 'listen' }) => {
  checkServed(sender, 'stop', 'fastifyHooks')
  // Whatever else it was, nothing would ever be delivered, and nobody told.
  if (!STARTS.includes(start)) {
    throw Object.assign(new TypeError(`fastifyHooks: start is not one of ${STARTS.join(', ')}`), {
      code: 'option_invalid',
      hint: "leave it out, and delivering starts when the server listens; 'never' is for where another process delivers",
    })
  }
  // The host declares the type of its own sender; whatever that is, this is it.
  app.decorate('hooks' as string, sender)
  const begin = (done: () => void) => {
    sender.start()
    done()
  }
  if (start === 'listen') app.addHook('onListen', begin)
  if (start === 'ready') app.addHook('onReady', begin)
  // The last requests have ended by then, and with them the last sends.
  app.addHook('onClose', () => sender.stop())
}

/**
 * A sender that lives with the server, for Fastify 5: `app.hooks` is the sender, it starts to deliver when the server
 * listens, and `app.close()` stops it after the last request, when what is in flight has ended. `app.inject` starts
 * nothing. Register it after the plugin of the database, since Fastify closes the last plugin first.
 *
 * @example
 * declare module 'fastify' { interface FastifyInstance { hooks: typeof hooks } }
 * app.register(fastifyHooks, { sender: hooks })
 * app.post('/bookings', (request) => app.hooks.send('booking.created', request.body, { tenant: 'acme' }))
 */
export const fastifyHooks: FastifyPluginAsync<FastifyHooksOptions> = /* @__PURE__ */ Object.assign(plugin, {
  // What fastify-plugin would say: the decoration is for the whole server, not for this plugin's scope.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@hooks/fastify',
})
