import { SCRIPT, STYLE } from './assets.generated.ts'
import type { Brand } from './brand.ts'

/** What the page is told. */
export interface PageOptions {
  readonly brand: Brand
  readonly language: 'en' | 'fr' | undefined
}

/** Where the page finds the rest of itself, from its own address. */
export const ASSETS = 'assets/'

/**
 * The page. Whoever asks for it gets the same one: what it shows it asks the API for. Its addresses are relative, so that
 * it works under any path, also one that a proxy has changed. `folder` is put in front of them, for an address without
 * the slash at its end: some servers add it, others take it away.
 */
export function pageOf({ brand, language }: PageOptions, folder: string): string {
  const options = JSON.stringify({ brand, language })
  return `<!doctype html>
<html lang="${language ?? 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta name="hooks-portal" content="${escaped(options)}">
<title>${escaped(brand.name ?? 'Webhooks')}</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="${escaped(folder + ASSETS + STYLE.name)}">
<script type="module" src="${escaped(folder + ASSETS + SCRIPT.name)}"></script>
</head>
<body>
<div id="portal"></div>
<noscript>This page needs JavaScript. Cette page a besoin de JavaScript.</noscript>
</body>
</html>
`
}

const ICON =
  'data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 16 16%22%3E%3Cpath d=%22M5 3v6a3 3 0 1 0 6 0V7%22 fill=%22none%22 stroke=%22%236b7280%22 stroke-width=%222%22 stroke-linecap=%22round%22/%3E%3C/svg%3E'

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string) => text.replace(/[&<>"]/g, (letter) => ENTITIES[letter] ?? letter)
