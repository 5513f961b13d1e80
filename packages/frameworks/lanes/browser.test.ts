import { onExpress, onFastify } from './portal/hosts.ts'
import { portalSuite } from './portal/suite.ts'

portalSuite(onExpress)
portalSuite(onFastify)
