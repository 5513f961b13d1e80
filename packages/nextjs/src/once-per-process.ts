const KEPT = Symbol.for('@hooks/once-per-process')

/**
 * What `make` makes, made once in this process. Next.js loads a module more than once: again after every change in
 * development, and once for the routes and once for `instrumentation.ts` always. A sender that a module made for itself
 * would then have several workers. What was made stays until the process ends, so a changed contract needs a restart of
 * the development server. Nothing is kept where `make` throws or its promise rejects.
 *
 * @example
 * export const hooks = oncePerProcess('hooks', () => createSender({ contract, storage }))
 */
export function oncePerProcess<T>(name: string, make: () => T): T {
  const kept = ((globalThis as { [KEPT]?: Map<string, unknown> })[KEPT] ??= new Map())
  if (kept.has(name)) return kept.get(name) as T
  const made = make()
  kept.set(name, made)
  if (made instanceof Promise) made.catch(() => kept.delete(name))
  return made
}
