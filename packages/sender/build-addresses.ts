import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Block, parseBlock } from './src/http/blocks.ts'

/**
 * Makes `src/http/special-addresses.generated.ts` of IANA's special-purpose address registries, which `registry/` holds
 * as IANA publishes them: `pnpm --filter @hooks/sender build:addresses`. To bring them up to date, put the two files
 * that the pages below offer as CSV in the place of those, and into `dates.json` the day that the pages give as the last
 * update, and today.
 *
 * - https://www.iana.org/assignments/iana-ipv4-special-registry
 * - https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const TABLE = here('./src/http/special-addresses.generated.ts')
const read = (name: string) => readFileSync(here(`./registry/${name}`), 'utf8')

/** A block of a registry, and what the registry calls it. */
interface Special {
  readonly cidr: string
  readonly name: string
  readonly block: Block
}

/** RFC 4180: cells may be quoted, with commas, line breaks and doubled quotes in them. */
function rowsOf(csv: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, cell = '', end] of csv.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/g)) {
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell)
    if (end !== ',') rows.push([])
  }
  return rows.filter((cells) => cells.length > 1)
}

/**
 * Every block of a registry, those that it calls globally reachable too: what answers there is a relay or a name server of
 * the network itself, and nobody's webhooks. IPv4-mapped addresses are judged as the IPv4 addresses that they reach.
 */
function blocksOf(csv: string): Special[] {
  const [head, ...rows] = rowsOf(csv)
  if (head?.[0] !== 'Address Block' || head[1] !== 'Name') throw new Error('this is not a registry of IANA’s')
  return rows.flatMap(([blocks = '', name = '']) =>
    blocks.split(',').flatMap((text) => {
      const cidr = text.replace(/\[\d+\]/, '').trim()
      if (cidr === '::ffff:0:0/96') return []
      const block = parseBlock(cidr)
      if (block === null) throw new Error(`not a block: ${text}`)
      return [{ cidr, name, block }]
    }),
  )
}

const within = ({ first, free }: Block, outer: Block) =>
  free <= outer.free && (first ^ outer.first) >> outer.free === 0n

/** Without those that lie within another one. */
function outermost(all: readonly Special[]): readonly Special[] {
  return all.filter((one) => !all.some((other) => other !== one && within(one.block, other.block)))
}

/** The table as TypeScript. */
export function specialAddresses(): string {
  const { updated, read: readOn } = JSON.parse(read('dates.json')) as { updated: string; read: string }
  const list = (name: string, csv: string) =>
    [
      `export const ${name}: readonly string[] = [`,
      ...outermost(blocksOf(csv)).map((one) => `  '${one.cidr}', // ${one.name}`),
      ']',
    ].join('\n')
  return `// Made by build-addresses.ts of IANA's special-purpose address registries.

/** The day of the registries' last update, and the day on which they were read. */
export const REGISTRY_DATE = '${updated}'
export const REGISTRY_READ_ON = '${readOn}'

${list('SPECIAL_IPV4', read('iana-ipv4-special-registry-1.csv'))}

${list('SPECIAL_IPV6', read('iana-ipv6-special-registry-1.csv'))}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TABLE, specialAddresses())
