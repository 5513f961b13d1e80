import { fork } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { memoryStorage } from '@hooks/sender'
import {
  FAULTS,
  type FaultTable,
  PLANTED_BUGS,
  type PlantedBug,
  RING_FAULTS,
  type RingTable,
  type SimulationOptions,
  type SimulationReport,
  simulate,
} from '@hooks/sender/testing'
import { sqliteStorage } from '@hooks/sqlite'
import { compiledScript } from './script.ts'
import { RECEIVER_BUGS, simulateBothSides } from './simulation/both-sides.ts'
import { pgliteDatabase } from './simulation/pglite.ts'
import { rebind } from './simulation/rebinding.ts'

/**
 * `pnpm sim [--seeds 5000] [--from 1] [--storage memory|sqlite|pglite]`: plays the simulation, seed by seed, on all cores, and
 * prints how often each fault hit each seam and each ring. `--seed N` plays one again and prints all that it found; `--bugs` looks for
 * the planted bugs; `--hashes` plays seeds in two processes and compares. Exits 1 where something was lost, stuck or
 * unexplained, a bug stayed hidden, or a fault hit too seldom.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    storage: { type: 'string', default: 'memory' },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
    hashes: { type: 'boolean', default: false },
    child: { type: 'boolean', default: false },
  },
})

/** Each fault must hit each seam method this often in a whole run. */
const LEAST_HITS = 50

type Database = SimulationOptions['database']

const databases: Record<string, Database> = {
  pglite: pgliteDatabase,
  memory: async (seams) => {
    const storage = memoryStorage(seams)
    return { connect: () => storage, close: () => storage.close() }
  },
  sqlite: async (seams) => {
    // A power cut is another test's matter, and waiting for disks is slow.
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'hooks-sim-'))
    const open: ReturnType<typeof sqliteStorage>[] = []
    return {
      connect() {
        const storage = sqliteStorage(join(folder, 'sim.sqlite'), seams)
        open.push(storage)
        return storage as never
      },
      async close() {
        for (const storage of open) await storage.close()
        rmSync(folder, { recursive: true })
      },
    }
  },
}

function play(seed: number, bug = values.bug as PlantedBug | undefined): Promise<SimulationReport> {
  return simulate({ seed, database: databases[values.storage] as Database, ...(bug && { bug }) })
}

interface Totals {
  seeds: number
  deliveries: number
  requests: number
  duplicates: number
  crashes: number
  faults: FaultTable
  rings: RingTable
  failed: { seed: number; violations: readonly string[] }[]
}

function add(totals: Totals, report: SimulationReport): void {
  totals.seeds++
  totals.deliveries += report.deliveries
  totals.requests += report.requests
  totals.duplicates += report.duplicates
  totals.crashes += report.crashes
  if (report.violations.length > 0) totals.failed.push({ seed: report.seed, violations: report.violations })
  for (const [method, hits] of Object.entries(report.faults)) {
    const sum = (totals.faults[method] ??= { before: 0, after: 0, instead: 0, crash: 0, stall: 0 })
    for (const fault of FAULTS) sum[fault] += hits[fault]
  }
  for (const fault of RING_FAULTS) totals.rings[fault] += report.rings[fault]
}

const nothing = (): Totals => ({
  seeds: 0,
  deliveries: 0,
  requests: 0,
  duplicates: 0,
  crashes: 0,
  faults: {},
  rings: { lost: 0, early: 0, late: 0, repeated: 0, overtaken: 0, refused: 0, stuck: 0 },
  failed: [],
})

async function spread(arguments_: readonly string[], received: (message: SimulationReport) => void): Promise<void> {
  const script = await compiledScript(new URL(import.meta.url))
  return new Promise((resolve, reject) => {
    const child = fork(script, ['--child', ...arguments_], { execArgv: [] })
    child.on('message', (message) => received(message as SimulationReport))
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a simulating process ended with ${code}`))))
  })
}

async function playAll(): Promise<boolean> {
  const from = Number(values.from)
  const seeds = Number(values.seeds)
  const processes = Math.min(availableParallelism(), seeds)
  const began = performance.now()
  const totals = nothing()
  const share = Math.ceil(seeds / processes)
  await Promise.all(
    Array.from({ length: processes }, (_, i) => {
      const count = Math.min(share, seeds - i * share)
      return spread(
        ['--storage', values.storage, '--from', String(from + i * share), '--seeds', String(count)],
        (report) => add(totals, report),
      )
    }),
  )
  const seconds = (performance.now() - began) / 1000
  console.log(`\nsimulation over ${values.storage}: seeds ${from} to ${from + seeds - 1}, ${seconds.toFixed(0)} s`)
  console.log(
    `  ${totals.deliveries} deliveries, ${totals.requests} requests, ${totals.crashes} crashes, ${totals.duplicates} duplicates, all explained unless listed`,
  )
  const methods = Object.keys(totals.faults).sort()
  const width = Math.max(...methods.map((method) => method.length))
  console.log(`  ${'seam method'.padEnd(width)}  ${FAULTS.map((fault) => fault.padStart(8)).join('')}`)
  let seldom = 0
  for (const method of methods) {
    const hits = FAULTS.map((fault) => totals.faults[method]?.[fault] ?? 0)
    seldom += hits.filter((count) => count < LEAST_HITS).length
    console.log(`  ${method.padEnd(width)}  ${hits.map((count) => String(count).padStart(8)).join('')}`)
  }
  const rings = RING_FAULTS.map((fault) => ({ fault, count: totals.rings[fault] }))
  seldom += rings.filter(({ count }) => count < LEAST_HITS).length
  console.log(`  rings: ${rings.map(({ fault, count }) => `${count} ${fault}`).join(', ')}`)
  for (const { seed, violations } of totals.failed.slice(0, 20)) {
    console.log(`  seed ${seed}: ${violations.length} violations, first: ${violations[0]}`)
  }
  if (totals.failed.length > 0)
    console.log(
      `  ${totals.failed.length} seeds failed; play one again with: pnpm sim --storage ${values.storage} --seed N`,
    )
  const whole = seeds >= 5_000
  if (whole && seldom > 0) console.log(`  ${seldom} cells or faults of rings were hit less often than they must be`)
  return totals.failed.length === 0 && totals.seeds === seeds && !(whole && seldom > 0)
}

/** Where each planted bug is looked for: what a seed shows of it. */
const HUNTS: readonly (readonly [bug: string, look: (seed: number) => Promise<readonly string[]>])[] = [
  ...PLANTED_BUGS.map((bug) => [bug, async (seed: number) => (await play(seed, bug)).violations] as const),
  ...RECEIVER_BUGS.map((bug) => [bug, (seed: number) => simulateBothSides(seed, bug)] as const),
  ['lookup_only_guard', () => rebind(true)],
]
/** Of the worlds that only {@link HUNTS} plays. */
const CLEAN_SEEDS = 100

/** Each planted bug must show within 1,000 seeds, and nothing where there is none. */
async function findBugs(): Promise<boolean> {
  let hidden = 0
  for (const [bug, look] of HUNTS) {
    let found: string | undefined
    for (let seed = 1; seed <= 1_000 && !found; seed++) {
      const [first] = await look(seed)
      if (first) found = `found at seed ${seed}: ${first}`
    }
    if (!found) hidden++
    console.log(`  ${bug}: ${found ?? 'NOT FOUND in 1,000 seeds'}`)
  }
  const clean = [...(await rebind(false))]
  for (let seed = 1; seed <= CLEAN_SEEDS; seed++) clean.push(...(await simulateBothSides(seed)))
  console.log(`  ${HUNTS.length - hidden} of ${HUNTS.length} found; without a bug: ${clean[0] ?? 'nothing'}`)
  return hidden === 0 && clean.length === 0
}

async function compareHashes(): Promise<boolean> {
  const runs: Map<number, string>[] = [new Map(), new Map()]
  const seeds = ['--storage', values.storage, '--from', '1', '--seeds', '50']
  await Promise.all(runs.map((run) => spread(seeds, ({ seed, hash }) => void run.set(seed, hash))))
  const different = [...(runs[0] ?? [])].filter(([seed, hash]) => runs[1]?.get(seed) !== hash)
  console.log(`  50 seeds in two processes over ${values.storage}: ${different.length} hashes differ`)
  return different.length === 0 && runs[0]?.size === 50
}

async function main(): Promise<boolean> {
  if (values.child) {
    for (let i = 0; i < Number(values.seeds); i++) process.send?.(await play(Number(values.from) + i))
    process.disconnect()
    return true
  }
  if (values.seed !== undefined) {
    const report = await play(Number(values.seed))
    console.log(JSON.stringify(report, null, 2))
    return report.violations.length === 0
  }
  if (values.bugs) return findBugs()
  if (values.hashes) return compareHashes()
  return playAll()
}

process.exitCode = (await main()) ? 0 : 1
