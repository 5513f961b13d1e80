import { nextReceiver } from '@hooks/nextjs'
import { myApp } from '../../../my-app.ts'

export const { POST } = nextReceiver(myApp.receiver)
