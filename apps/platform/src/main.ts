import { readPlatformConfig } from './config/platform-config.js';
import { explainFailure } from './start/explain-failure.js';
import { startPlatform, type RunningPlatform } from './start/start-platform.js';
import { StopRequest } from './start/stop-request.js';
import { welcome } from './start/welcome.js';

/** How long stopping may take as a whole. */
const STOP_WITHIN_MS = 25_000;

const stop = new StopRequest(console.log);

async function main(): Promise<number> {
  const config = readPlatformConfig(process.env);
  const platform = await startPlatform(config, { log: console.log, signal: stop.signal });
  console.log(await welcome(platform));
  const lost = await Promise.race([stop.requested, platform.databaseLost]);
  if (lost) {
    console.error(
      `The embedded PostgreSQL ended by itself (${lost.signal ?? `exit code ${lost.code}`}). What was committed is kept; ` +
        `start again to continue. Its last words:\n${lost.logTail}`,
    );
  }
  await close(platform);
  return lost ? 1 : 0;
}

async function close(platform: RunningPlatform): Promise<void> {
  const deadline = setTimeout(() => {
    console.error(`The platform did not stop within ${STOP_WITHIN_MS / 1_000} s.`);
    process.exit(1);
  }, STOP_WITHIN_MS);
  await platform.close(stop.hurry);
  clearTimeout(deadline);
  console.log('Stopped.');
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!stop.signal.aborted) console.error(explainFailure(error));
  process.exitCode = stop.signal.aborted ? 0 : 1;
}
process.exit();
