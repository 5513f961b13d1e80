import { render } from 'preact'
import { openSession, takeToken } from './api.ts'
import { App } from './app.tsx'
import { applyBrand } from './options.ts'
import { followAddress } from './router.ts'
import './portal.css'

applyBrand()
takeToken()
followAddress(open)
open()
render(<App />, document.getElementById('portal') as HTMLElement)

function open(): void {
  void openSession()
}
