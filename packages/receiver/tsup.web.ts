import { modules } from '../tooling/tsup.ts'

export default modules({ entry: ['src/*.ts', '!src/index.ts', '!src/create-receiver.ts'], folder: 'web' })
