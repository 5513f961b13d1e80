import { library } from '../tooling/tsup.ts'

export default library({ entry: ['src/index.ts', 'src/web.ts', 'src/formats.ts', 'src/testing/index.ts'] })
