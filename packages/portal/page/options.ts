/** What the server says about the page: in a `meta` element, since there is no inline script. */
export interface Options {
  readonly brand: {
    readonly name?: string
    readonly accent?: string
    readonly logo?: string
    readonly links?: readonly { readonly label: string; readonly url: string }[]
  }
  readonly language?: 'en' | 'fr'
}

const meta = document.querySelector<HTMLMetaElement>('meta[name="hooks-portal"]')

export const options: Options = JSON.parse(meta?.content ?? '{"brand":{}}')

export const language: 'en' | 'fr' = options.language ?? (navigator.language.startsWith('fr') ? 'fr' : 'en')

/** Colours are set through the object model, which the policy allows; what is written on the accent stays legible. */
export function applyBrand(): void {
  const root = document.documentElement
  root.lang = language
  const { accent } = options.brand
  if (accent === undefined) return
  root.style.setProperty('--accent', accent)
  root.style.setProperty('--on-accent', luminance(accent) > 0.4 ? '#111318' : '#ffffff')
}

/** Relative luminance, WCAG 2.2. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
