import { medianWithInterval } from './statistics.js';

export interface Variant {
  readonly name: string;
  /** One operation. */
  readonly run: (iteration: number) => Promise<unknown>;
}

/** What an amount of work cost, in any unit. */
export interface Cost {
  readonly wallMs: number;
  /** CPU of this process and of the database's backends. */
  readonly cpuMs: number;
}

/** Reads the CPU time spent so far. */
export type CpuClock = () => Promise<number>;

export interface Comparison {
  readonly name: string;
  readonly cpu: ReturnType<typeof medianWithInterval>;
  readonly wall: ReturnType<typeof medianWithInterval>;
}

/**
 * Randomised complete blocks: every round runs every variant once, in random order; the ratio to the first
 * variant is taken inside the round, so that slow drift of a noisy machine cancels out.
 */
export async function compare(
  variants: readonly Variant[],
  { rounds, operations, cpu }: { rounds: number; operations: number; cpu: CpuClock },
): Promise<readonly Comparison[]> {
  const costs = new Map(variants.map(({ name }) => [name, [] as Cost[]]));
  for (let round = -2; round < rounds; round++) {
    for (const variant of shuffled(variants)) {
      const cost = await measure(variant, operations, cpu);
      // The first two rounds warm compilers and caches.
      if (round >= 0) costs.get(variant.name)!.push(cost);
    }
  }
  const base = costs.get(variants[0]!.name)!;
  return variants.map(({ name }) => {
    const own = costs.get(name)!;
    return {
      name,
      cpu: medianWithInterval(own.map(({ cpuMs }, i) => cpuMs / base[i]!.cpuMs)),
      wall: medianWithInterval(own.map(({ wallMs }, i) => wallMs / base[i]!.wallMs)),
    };
  });
}

export function printComparison(title: string, comparisons: readonly Comparison[]): void {
  console.log(`\n${title} (ratio to '${comparisons[0]!.name}', median [95 % interval])`);
  const cell = ({ median, low, high }: Comparison['cpu']): string =>
    `${median.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`.padEnd(20);
  console.log(`  ${'variant'.padEnd(42)}${'CPU, Node + PostgreSQL'.padEnd(24)}wall`);
  for (const { name, cpu, wall } of comparisons)
    console.log(`  ${name.padEnd(42)}${cell(cpu).padEnd(24)}${cell(wall)}`);
}

async function measure(variant: Variant, operations: number, cpu: CpuClock): Promise<Cost> {
  const cpuBefore = await cpu();
  const startedAt = performance.now();
  for (let i = 0; i < operations; i++) await variant.run(i);
  const wallMs = performance.now() - startedAt;
  return { wallMs, cpuMs: (await cpu()) - cpuBefore };
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
