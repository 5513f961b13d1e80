import { type Migration, StorageError } from '@hooks/core'
import { schemaMissing } from './failures.ts'
import { HAS_META, MAKE_LEDGER, READ_META, writeVersion } from './sql/meta.ts'

/** A part of what this package keeps in the database, with a version of its own. */
export interface Component {
  readonly name: 'storage' | 'inbox'
  readonly migrations: readonly Migration[]
  /** The oldest version that may use the tables of the newest, by the id of the migration. Default: 1. */
  readonly leastClient?: number
  /** A statement to run after the migrations, and again with each call of `migrate`: it makes what depends on the time. */
  readonly upkeep?: string
}

/** The version of the tables, and which database it is. Version 0 is a database without them. */
export interface Meta {
  readonly version: number
  /** The oldest release, by the version that it writes, that may still use them. */
  readonly leastClient: number
  readonly installation: string
}

/** The version that this release writes. */
export const versionOf = ({ migrations }: Component): number => migrations.at(-1)?.id ?? 0

type Run = <Row>(text: string, parameters?: readonly (string | null)[]) => Promise<readonly Row[]>

/** What the database says of a component. */
export async function readMeta(run: Run, { name }: Component): Promise<Meta> {
  const nothing: Meta = { version: 0, leastClient: 0, installation: '' }
  const [has] = await run<{ there: unknown }>(HAS_META)
  if (Number(has?.there) !== 1) return nothing
  const [row] = await run<{ version: unknown; least: unknown; installation: string }>(READ_META, [name])
  return row
    ? { version: Number(row.version), leastClient: Number(row.least), installation: row.installation }
    : nothing
}

/**
 * @throws StorageError `schema_missing`, `schema_outdated`, `schema_too_new`
 */
export function checkMeta(meta: Meta, component: Component): Meta {
  const version = versionOf(component)
  if (meta.version === 0) throw schemaMissing(component.name)
  if (meta.version < version) {
    throw new StorageError(
      'schema_outdated',
      `the tables have version ${meta.version}, and this release needs ${version}`,
      {
        hint: `run \`await ${component.name}.schema.migrate()\` once with the role that owns them, or the statements of \`${component.name}.schema.migrations(${meta.version})\` with your own migrations`,
      },
    )
  }
  if (meta.leastClient > version) {
    throw new StorageError(
      'schema_too_new',
      `the tables have version ${meta.version}, and this release knows ${version}`,
      { hint: 'update @hooks/postgres in this process: a newer release has changed the tables' },
    )
  }
  return meta
}

/** The migrations of a component after version `from`, each statement to be run by itself, in one transaction or not. */
export function migrationsOf(component: Component, from: number): Migration[] {
  const { name, migrations, leastClient = 1, upkeep } = component
  return migrations
    .filter(({ id }) => id > from)
    .map(({ id, phase, sql }) => ({
      id,
      phase,
      sql: [
        ...(id === 1 ? MAKE_LEDGER : []),
        ...sql,
        ...(upkeep && id === versionOf(component) ? [upkeep] : []),
        writeVersion(name, id, phase === 'contract' ? id : leastClient),
      ],
    }))
}

/** All that is missing, as one statement: several processes do it one after the other, and the later find it done. */
export function migrateStatement(component: Component): string {
  const { name, upkeep } = component
  const steps = migrationsOf(component, 0).map(
    ({ id, sql }) => `
  if version < ${id} then
    ${sql.map((statement) => `execute $statement$${statement}$statement$;`).join('\n    ')}
  end if;`,
  )
  return `do $migrate$
declare
  version int := 0;
begin
  perform pg_advisory_xact_lock(hashtext('hooks'), hashtext('hooks.migrate'));
  -- Not by to_regclass, which would not see what another has made while this one waited.
  if exists (
    select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'hooks' and c.relname = 'meta') then
    select coalesce(max(m.version), 0) into version from hooks.meta m where m.component = '${name}';
  end if;${steps.join('')}
  ${upkeep ? `if version = ${versionOf(component)} then execute $statement$${upkeep}$statement$; end if;` : ''}
end $migrate$`
}
