export type { Access, Authorize, Capability } from './access.ts'
export { createManagementApi, type ManagementApi, type ManagementApiOptions, type Mount } from './management-api.ts'
