import { library } from '../tooling/tsup.ts'

export default library({ entry: ['src/index.ts', 'src/testing/index.ts'], bundle: ['p-retry', 'is-network-error'] })
