import {
  type ApiName,
  type ApiOperation,
  type ApiShape,
  checkOptions,
  type Kind,
  kind,
  type OptionsRule,
  oneOf,
  wholeFrom,
} from '@hooks/core'

const SHAPE: OptionsRule<keyof ApiShape> = {
  of: 'api',
  code: 'contract_invalid',
  kinds: {
    base: kind.text,
    routes: kind.object,
    names: kind.object,
    secret: oneOf('generated', 'client', 'either'),
    eventLimit: wholeFrom(1),
    states: kind.object,
    pages: oneOf('cursor', 'numbered'),
    show: kind.object,
  },
}
const NAMES: OptionsRule<ApiName> = {
  of: 'api.names',
  code: 'contract_invalid',
  kinds: {
    tenant: kind.text,
    name: kind.text,
    url: kind.text,
    events: kind.text,
    channels: kind.text,
    enabled: kind.text,
    secret: kind.text,
    metadata: kind.text,
    event: kind.text,
    status: kind.text,
    page: kind.text,
    pageSize: kind.text,
  },
}
const SHOW: OptionsRule<keyof NonNullable<ApiShape['show']>> = {
  of: 'api.show',
  code: 'contract_invalid',
  kinds: {
    endpoint: kind.function,
    endpoints: kind.function,
    secret: kind.function,
    delivery: kind.function,
    deliveries: kind.function,
    eventTypes: kind.function,
    test: kind.function,
    problem: kind.function,
  },
}

/** Of a misspelt word, the product's API would be ours in that, in silence. @throws ConfigurationError `contract_invalid` */
export function checkShape(api: ApiShape, operations: readonly ApiOperation[]): void {
  const kinds = Object.fromEntries(operations.map((name): [string, Kind] => [name, kind.text]))
  checkOptions(api, SHAPE)
  checkOptions(api.routes ?? {}, { of: 'api.routes', code: 'contract_invalid', kinds })
  checkOptions(api.names ?? {}, NAMES)
  checkOptions(api.show ?? {}, SHOW)
}
