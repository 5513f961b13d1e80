/** Opens a storage (URL: argument 1), says that it is ready, does what it is told, and kills itself where it is told. */
import { type Storage, silentLogger } from '@hooks/core'
import { type Crash, performOperation } from '@hooks/sender/testing'
import pg from 'pg'
import { type PostgresHandle, postgresStorage } from '../../src/index.ts'
import { movableTime } from '../place.ts'

const [url] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 1 })
const die = () => process.kill(process.pid, 'SIGKILL')
let failpoint: Crash['failpoint'] | undefined
let statements = 0

const dying: PostgresHandle = async (text: string, parameters: (string | null)[]) => {
  if (failpoint === undefined) return pool.query(text, parameters)
  const isHere = failpoint.statement === ++statements
  if (isHere && failpoint.at === 'before') die()
  const answer = pool.query(text, parameters)
  if (isHere) {
    // It has left when the event loop has turned; how far the server gets with it is up to the server.
    setTimeout(die, Math.random() * 3)
    return new Promise<never>(() => {})
  }
  return answer
}

const time = movableTime()
const storage = postgresStorage(time.on(dying), { logger: silentLogger }) as Storage
await storage.depth()
process.once('message', async (crash: Crash) => {
  await time.pass(crash.passedMs)
  failpoint = crash.failpoint
  await performOperation(storage, crash.operation)
  if (failpoint.at === 'after') die()
  process.exit(0)
})
process.send?.('ready')
