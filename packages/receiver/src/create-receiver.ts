import { inboundCrypto } from '@hooks/core'
import type { AnyReceiverOptions } from './options.ts'
import { receiverOn } from './receiver.ts'
import type { CreateReceiver } from './receiver-types.ts'

export const createReceiver = ((options: AnyReceiverOptions) =>
  receiverOn(inboundCrypto, options)) as unknown as CreateReceiver
