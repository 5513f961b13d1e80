import { join } from 'node:path'
import { writeDocs } from '@hooks/portal/docs'
import { docs } from './docs.ts'

await writeDocs(join(import.meta.dirname, '../docs'), docs)
