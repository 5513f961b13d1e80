import { nextPortal } from '@hooks/nextjs'
import { auditTrail } from '../../../../../audit-trail.ts'

export const { GET, POST, PUT, PATCH, DELETE } = nextPortal(auditTrail.api)
