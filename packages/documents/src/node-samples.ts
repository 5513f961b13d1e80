import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { format } from 'node:util'
import { createContext, runInContext } from 'node:vm'

const require = createRequire(import.meta.url)

/** What the samples use of Express, in either version. */
interface App {
  use(handler: unknown): void
  listen(port: number, ready: () => void): void
}
type Express = (() => App) & { readonly json: () => unknown }

interface Version {
  readonly express: Express
  /** Finds what comes with this version, such as body-parser. */
  readonly require: NodeJS.Require
}

export const expressVersions: [name: string, Version][] = [
  ['Express 4', { express: require('express4'), require: createRequire(require.resolve('express4')) }],
  ['Express 5', { express: require('express'), require: createRequire(require.resolve('express')) }],
]

export interface Sample {
  post(path: string, headers: Readonly<Record<string, string>>, body: string): Promise<{ status: number; body: string }>
  readonly logged: string[]
  /** The port that the code asked for. Another, free one is listened on. */
  readonly port: number | undefined
  close(): Promise<void>
}

/**
 * Runs printed code as it is. `names` are those that it uses and leaves undefined; `app` is an Express application
 * that parses JSON, as the samples that read `req.body` suppose, unless the code makes its own.
 */
export const runSample = async (
  code: string,
  { express, require: requireBeside }: Version,
  names: Readonly<Record<string, unknown>>,
): Promise<Sample> => {
  const logged: string[] = []
  let port: number | undefined
  let app = express()
  app.use(express.json())
  const ownExpress = Object.assign(() => {
    app = express()
    app.listen = (asked, ready) => {
      port = asked
      ready()
    }
    return app
  }, express)
  const sandbox = createContext({
    Buffer,
    app,
    console: { log: (...words: unknown[]) => logged.push(format(...words)) },
    require: (name: string) => (name === 'express' ? ownExpress : requireBeside(name)),
    ...names,
  })
  runInContext(code, sandbox)
  const server = createServer(app as never)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    async post(path, headers, body) {
      const answer = await fetch(origin + path, { method: 'POST', headers, body })
      return { status: answer.status, body: await answer.text() }
    },
    logged,
    get port() {
      return port
    },
    close: () => new Promise((closed) => server.close(() => closed())),
  }
}
