import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { claimCosts } from './database/claim.ts'
import { databaseDeliverSections } from './database/deliver.ts'
import { historyCosts } from './database/history.ts'
import { latencyFigures } from './database/latency.ts'
import { sendSections } from './database/send.ts'
import { deliverSections } from './deliver.ts'
import { neighbourFigures } from './neighbour.ts'
import { pacingFigures } from './pacing.ts'
import { type Figures, type Section, table } from './report.ts'
import { serverSections } from './servers.ts'
import { verifySections } from './verify.ts'

/**
 * `pnpm bench [--rounds 7] [--only verify|servers|deliver|postgres|send] [--json]`: everything in one run on one machine,
 * because machines are noisy and only ratios within one run say something. `--claim 1000000` measures the cost of a claim
 * over the size of the tables and under an old snapshot instead, `--history 10000000` that of a delivery over the size of the history:
 * they take minutes, on a PostgreSQL of their own, and count pages, which are the same on every machine; 1 where a target is missed. `--latency 100` measures from
 * a send to the first byte at the receiver, so many times.
 * `--neighbour 60 [--storage memory|postgres] [--rate 20]` measures what a hung or busy endpoint does to others, for so many
 * seconds each. `--pacing 20 [--rate 100]` measures how well four processes keep one endpoint's rate, for so many seconds.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    only: { type: 'string' },
    claim: { type: 'string' },
    history: { type: 'string' },
    latency: { type: 'string' },
    neighbour: { type: 'string' },
    pacing: { type: 'string' },
    storage: { type: 'string', default: 'postgres' },
    rate: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const benches: Record<string, (rounds: number) => Promise<Section[]>> = {
  verify: verifySections,
  servers: serverSections,
  deliver: deliverSections,
  postgres: databaseDeliverSections,
  send: sendSections,
}

const sections: Section[] = []
const figures: Record<string, () => Promise<Figures>> = {
  claim: () => claimCosts(Number(values.claim)),
  history: () => historyCosts(Number(values.history)),
  latency: () => latencyFigures(Number(values.latency)),
  neighbour: () =>
    neighbourFigures({
      storage: values.storage === 'memory' ? 'memory' : 'postgres',
      seconds: Number(values.neighbour),
      rate: Number(values.rate ?? 20),
    }),
  pacing: () => pacingFigures({ seconds: Number(values.pacing), rate: Number(values.rate ?? 100) }),
}
for (const [name, measure] of Object.entries(figures)) {
  if (values[name as keyof typeof values] === undefined) continue
  const { text, good } = await measure()
  console.log(text)
  process.exit(good ? 0 : 1)
}
if (!values.json)
  console.log(`Node.js ${process.version}, ${cpus().length} x ${cpus()[0]?.model}, medians of ${rounds} rounds`)
for (const [name, bench] of Object.entries(benches)) {
  if (values.only !== undefined && values.only !== name) continue
  for (const section of await bench(rounds)) {
    sections.push(section)
    if (!values.json) console.log(table(section))
  }
}
if (values.json)
  console.log(
    JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, rounds, sections }, null, 2),
  )
