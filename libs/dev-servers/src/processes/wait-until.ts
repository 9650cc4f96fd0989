import { setTimeout as delay } from 'node:timers/promises';

/** Asks every 25 ms until the answer is yes; false when the time is up first. */
export async function waitUntil(
  holds: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) return false;
    await delay(25);
  }
  return true;
}
