import { NOW } from './fragments.ts'

/**
 * A function of the schema: several statements in one call, each of which sees what was committed before it began. So
 * whoever has waited for a lane reads the rows of that lane as they are. A connection keeps the plans of all of them,
 * without names that a pooler could lose.
 *
 * A plan is kept for long, and made for tables of any size: an empty one, too, for which all ways cost the same. So there
 * is but one way. Rows are found by equality, each by itself (`cross join lateral (... limit 1)`), or in the order of the
 * one index that has it; and written where they were found, by `ctid`, which nobody changes while their lane is locked.
 * Bitmap scans are left out because they do not mark the entries of rows that are gone, which others then walk over again.
 *
 * The time of the call is its last parameter: `p_now`.
 */
export const functionOf = (name: string, parameters: string, returns: string, body: string): string => `
  create or replace function hooks.${name}(${parameters}, p_now timestamptz)
  returns ${returns}
  language plpgsql
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off
  set jit = off
  as $function$
  #variable_conflict use_column
  ${body.replaceAll(NOW, 'p_now')}
  $function$`
