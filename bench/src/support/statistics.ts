export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A median with the interval that holds it with at least 95 %, from order statistics (no assumption on the shape). */
export function medianWithInterval(values: readonly number[]): { median: number; low: number; high: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const reach = Math.ceil(0.98 * Math.sqrt(n));
  const low = Math.max(0, Math.floor(n / 2) - reach);
  const high = Math.min(n - 1, Math.ceil(n / 2) + reach);
  return { median: median(sorted), low: sorted[low]!, high: sorted[high]! };
}
