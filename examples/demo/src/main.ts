// The first line comes at once: what follows takes a moment to load.
console.log('Hooks: a sender on SQLite, a receiver on Express, five products, and a kill in the middle.\n')

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const { runDemo } = await import('./conductor.ts')
process.exit(await runDemo({ keep: process.argv.includes('--keep') }))
