export { type Block, block, blocks, document, type Printed, printedBodies, type Seed } from './documents.ts'
export { expressVersions, runSample, type Sample } from './node-samples.ts'
export { keptPromises, SEEDS, withPromises } from './promises.ts'
export { type PythonCase, python3, runPython } from './python-samples.ts'
