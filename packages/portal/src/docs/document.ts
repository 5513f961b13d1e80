/** A page as a list of blocks. Text may hold `code` between backticks, and nothing else that means something. */
export type Block =
  | { readonly heading: string; readonly level: 1 | 2 | 3; readonly id?: string }
  | { readonly text: string }
  | { readonly list: readonly string[] }
  | { readonly table: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] } }
  | { readonly code: string; readonly language: string }
  | { readonly links: readonly { readonly text: string; readonly href: string }[] }

/** A page's metadata, as site generators read it: `id`, `title`, `sidebar_label`, ... */
export type FrontMatter = Readonly<Record<string, string | number>>

/** A page as Markdown. */
export function toMarkdown(blocks: readonly Block[], frontMatter?: FrontMatter): string {
  const head = frontMatter
    ? [
        `---\n${Object.entries(frontMatter)
          .map(([key, value]) => `${key}: ${yaml(value)}`)
          .join('\n')}\n---`,
      ]
    : []
  return `${[...head, ...blocks.map(markdownOf)].join('\n\n')}\n`
}

const yaml = (value: string | number) =>
  typeof value === 'number' || (/^[\p{L}][\p{L}\p{N} '_/-]*$/u.test(value) && !YAML_WORD.test(value))
    ? String(value)
    : JSON.stringify(value)

/** What YAML takes for no text. */
const YAML_WORD = /^(y|n|yes|no|on|off|true|false|null)$/i

function markdownOf(block: Block): string {
  if ('heading' in block) return `${'#'.repeat(block.level)} ${prose(block.heading)}`
  if ('list' in block) return block.list.map((item) => `- ${prose(item)}`).join('\n')
  if ('table' in block) {
    const row = (cells: readonly string[]) =>
      `| ${cells.map((cell) => prose(cell).replaceAll('|', '\\|')).join(' | ')} |`
    return [row(block.table.head), row(block.table.head.map(() => '---')), ...block.table.rows.map(row)].join('\n')
  }
  if ('code' in block) return `\`\`\`${block.language}\n${block.code.replace(/\n$/, '')}\n\`\`\``
  if ('links' in block) return block.links.map(({ text, href }) => `- [${prose(text)}](${href})`).join('\n')
  return prose(block.text)
}

/** Text in one line that means nothing in Markdown, HTML or MDX but for its `code`. */
function prose(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, ' ')
  const parts = line.split(/(`[^`]+`)/).map((part, i) => (i % 2 === 1 ? part : plain(part)))
  return parts.join('').replace(/^(\d*)([#+.)-])(?=[\s#]|$)|^(?=>)/, '$1\\$2')
}

const plain = (text: string) =>
  text
    .replace(/[\\`*[\]{}~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&')
    .replace(/&(?=#?\w+;)/g, '&amp;')
    .replaceAll('<', '&lt;')

/** A page as HTML that needs no script and nothing from elsewhere. */
export function toHtml(
  blocks: readonly Block[],
  { title, language }: { readonly title: string; readonly language: string },
): string {
  return `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<main>
${blocks.map(htmlOf).join('\n')}
</main>
</html>
`
}

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;margin:0}main{max-width:46rem;margin:0 auto;padding:2rem 1rem}h1,h2,h3{line-height:1.25}table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}th,td{text-align:start;padding:.4rem .75rem .4rem 0;border-bottom:1px solid #8884;vertical-align:top}pre{overflow-x:auto;padding:1rem;border:1px solid #8884;border-radius:6px}code{font:.9em ui-monospace,monospace}`

function htmlOf(block: Block): string {
  if ('heading' in block) {
    return `<h${block.level}${block.id ? ` id="${escaped(block.id)}"` : ''}>${inline(block.heading)}</h${block.level}>`
  }
  if ('list' in block) return `<ul>${block.list.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`
  if ('table' in block) {
    const row = (cells: readonly string[], tag: 'th' | 'td') =>
      `<tr>${cells.map((cell) => `<${tag}>${inline(cell)}</${tag}>`).join('')}</tr>`
    return `<table>${row(block.table.head, 'th')}${block.table.rows.map((cells) => row(cells, 'td')).join('')}</table>`
  }
  if ('code' in block) return `<pre><code>${escaped(block.code.replace(/\n$/, ''))}</code></pre>`
  if ('links' in block) {
    return `<ul>${block.links.map(({ text, href }) => `<li><a href="${escaped(href)}">${escaped(text)}</a></li>`).join('')}</ul>`
  }
  return `<p>${inline(block.text)}</p>`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character)
const inline = (text: string) => escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>')
