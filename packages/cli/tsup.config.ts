import { library } from '../tooling/tsup.ts'

// `import.meta.url`, from which the manifest is found, has a stand-in in the CommonJS build.
export default { ...library({ entry: ['src/index.ts', 'src/main.ts'] }), shims: true }
