import { language } from './options.ts'
import { english } from './words/english.ts'
import { french } from './words/french.ts'

export const t = language === 'fr' ? french : english
