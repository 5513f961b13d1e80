import { consumerDocs } from '@hooks/portal/docs'
import { contract } from './contract.ts'

/** What Lok'Room's customers read, in French and English, with code to verify signatures and schemas of all events. */
export const docs = consumerDocs(contract, { product: "Lok'Room", version: '1.0.0', date: '2024-01-15' })
