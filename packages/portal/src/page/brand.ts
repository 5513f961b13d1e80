import { ConfigurationError } from '@hooks/core'

/** How the page presents itself. */
export interface Brand {
  /** The product's name. `Webhooks` by default. */
  readonly name?: string
  /** The colour of buttons and marks: `#rrggbb`. */
  readonly accent?: string
  /** An image: a path of the same origin, an https URL, or a `data:image/...` URL. */
  readonly logo?: string
  /** Ways out of the page, such as back to the product and to its documentation. */
  readonly links?: readonly { readonly label: string; readonly url: string }[]
}

/** @throws ConfigurationError `option_invalid`: what would be shown broken, or run as script */
export function checkBrand({ accent, logo, links = [] }: Brand): void {
  if (accent !== undefined && !/^#[0-9a-f]{6}$/i.test(accent)) throw invalid('brand.accent', 'a colour such as #4f46e5')
  if (logo !== undefined && !/^(\/(?!\/)|https:\/\/|data:image\/)/.test(logo))
    throw invalid('brand.logo', 'a path, an https URL or a data:image/ URL')
  for (const { url } of links) {
    if (!/^(\/(?!\/)|https?:\/\/|mailto:)/.test(url)) throw invalid('brand.links', 'paths, http(s) or mailto URLs')
  }
}

/** The origin that a logo is loaded from, where it is another one. */
export function originOf(logo: string | undefined): string | undefined {
  return logo?.startsWith('https://') ? new URL(logo).origin : undefined
}

const invalid = (name: string, wanted: string) => new ConfigurationError('option_invalid', `${name} is not ${wanted}`)
