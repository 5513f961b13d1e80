import { NOW } from './fragments.ts'

/**
 * A function of the schema: several statements in one call, each of which sees what was committed before it began. So
 * whoever has waited for a lane reads the rows of that lane as they are. A connection keeps the plans of all of them,
 * without names that a pooler could lose, and they search, however small the tables were when they were made.
 *
 * The time of the call is its last parameter: `p_now`.
 */
export const functionOf = (name: string, parameters: string, returns: string, body: string): string => `
  create or replace function hooks.${name}(${parameters}, p_now timestamptz)
  returns ${returns}
  language plpgsql
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set jit = off
  as $function$
  #variable_conflict use_column
  ${body.replaceAll(NOW, 'p_now')}
  $function$`
