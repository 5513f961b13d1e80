/** Of samples, where so much of them is no greater. */
export function percentiles(samples: readonly number[]) {
  const sorted = Float64Array.from(samples).sort()
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), worst: at(1) }
}
