import { stopStarted } from './src/servers/postgres.ts'
import { beginRun, endRun } from './src/servers/run-folder.ts'

/** What a test file starts for all of them is stopped at the end of the run. */
export default function setup() {
  beginRun()
  return () => {
    stopStarted()
    endRun()
  }
}
