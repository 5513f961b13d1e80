/** The ledger, of whatever this package keeps in the schema. It is made with the first of its parts. */
export const MAKE_LEDGER: readonly string[] = [
  // With "if not exists" alone, who may make no schema is refused where there is one, too.
  `do $schema$ begin
    if not exists (select 1 from pg_catalog.pg_namespace n where n.nspname = 'hooks') then create schema if not exists hooks; end if;
  end $schema$`,
  `create table if not exists hooks.meta (
    component text primary key,
    version int not null,
    least_client int not null,
    installation text not null
  )`,
]

/** The version of a part is there, and the oldest release, by the version that it writes, that may still use it. */
export const writeVersion = (component: string, version: number, leastClient: number): string =>
  `insert into hooks.meta (component, version, least_client, installation)
  values ('${component}', ${version}, ${leastClient}, coalesce((select min(installation) from hooks.meta), md5(random()::text || clock_timestamp()::text)))
  on conflict (component) do update set version = excluded.version, least_client = excluded.least_client`

export const HAS_META = `select (to_regclass('hooks.meta') is not null)::int as there`

/** $1 the component. */
export const READ_META = `
  select version, least_client as least, installation from hooks.meta where component = $1::text`
