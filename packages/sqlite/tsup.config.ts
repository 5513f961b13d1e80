import { library } from '../tooling/tsup.ts'

// `import.meta.url`, from which an optional driver is found, has a stand-in in the CommonJS build.
export default { ...library({ entry: ['src/index.ts'] }), shims: true }
