import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { WireFormat } from '@hooks/core'
import * as formats from '@hooks/core/formats'

/** A format with what it takes to sign and to verify. */
export interface Subject {
  readonly name: string
  readonly format: WireFormat
  /** Signs. */
  readonly sign: string
  /** Verifies what `sign` signs. */
  readonly verify: string
  /** Signs too, and must never do. */
  readonly foreign: string
  /** A type that the format carries. */
  readonly type: string
}

const text = (fill: string) => fill.repeat(32)
const whsec = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`
const hex = (byte: number) => Buffer.alloc(32, byte).toString('hex')

const publicOf = (seed: Buffer) => {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(-32)
}
const ecdsa = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    sign: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    verify: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  }
}

/** The secrets of formats whose secrets are no text, by the name of their export. */
const secrets: Readonly<Record<string, Omit<Subject, 'name' | 'format' | 'type'>>> = {
  adyen: { sign: hex(1), verify: hex(1), foreign: hex(2) },
  adyenPlatform: { sign: hex(1), verify: hex(1), foreign: hex(2) },
  discord: { sign: hex(1), verify: publicOf(Buffer.alloc(32, 1)).toString('hex'), foreign: hex(2) },
  polar: { sign: whsec(1), verify: whsec(1), foreign: whsec(2) },
  sendgrid: { ...ecdsa(), foreign: ecdsa().sign },
  svix: { sign: whsec(1), verify: whsec(1), foreign: whsec(2) },
  telnyx: {
    sign: `whsk_${Buffer.alloc(32, 1).toString('base64')}`,
    verify: publicOf(Buffer.alloc(32, 1)).toString('base64'),
    foreign: `whsk_${Buffer.alloc(32, 2).toString('base64')}`,
  },
}
const types: Readonly<Record<string, string>> = {
  discord: 'APPLICATION_COMMAND',
  hubspot: 'events',
  line: 'events',
  sendgrid: 'events',
  twilio: 'call.ringing',
}

/** Every format that the index exports: a new one is here by itself. */
export const subjects: readonly Subject[] = [
  ...Object.entries(formats).map(([name, make]) => ({ name, format: make() as WireFormat })),
  { name: 'gitlab, signed', format: formats.gitlab({ signed: true }) },
  { name: 'hook0, v0 too', format: formats.hook0({ v0: true }) },
].map(({ name, format }) => ({
  name,
  format,
  type: types[name] ?? 'booking.created',
  ...(name === 'gitlab, signed'
    ? { sign: whsec(1), verify: whsec(1), foreign: whsec(2) }
    : (secrets[name] ?? { sign: text('a'), verify: text('a'), foreign: text('b') })),
}))
