import { library } from '../tooling/tsup.ts'

// The page is built from these, and comes with their licences.
export default library({ entry: ['src/index.ts', 'src/docs/index.ts'], bundle: ['preact', '@preact/signals'] })
