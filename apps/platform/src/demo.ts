import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPlatformConfig, type PlatformConfig } from './config/platform-config.js';
import { Narrator, UnexpectedError } from './demo/narrator.js';
import { Story } from './demo/story.js';
import { explainFailure } from './start/explain-failure.js';
import { startPlatform, type RunningPlatform } from './start/start-platform.js';
import { StopRequest } from './start/stop-request.js';

const NEXT = `
Everything above was real HTTP against a real PostgreSQL, both started for this and gone by now.

  npm start                                 the same platform to play with, on http://127.0.0.1:3000
  http://127.0.0.1:3000/docs                its OpenAPI page, once it runs
  apps/platform/src/marketing/              the application: no tenant in sight
  apps/platform/src/tenancy/                everything that makes it multi-tenant
`;

async function main(): Promise<number> {
  const stop = new StopRequest(console.log);
  const home = await temporaryHome();
  try {
    const narrator = new Narrator(Story.chapters + 1);
    let platform: RunningPlatform | undefined;
    try {
      await narrator.chapter('The platform starts, on an empty directory', async () => {
        platform = await startPlatform(demoConfig(home), {
          log: () => {},
          logLevels: ['error', 'fatal'],
          signal: stop.signal,
        });
        const { url, embedded } = platform;
        narrator.expect(
          embedded !== undefined,
          `PostgreSQL ${embedded?.version} and ${url} are up, with demo tenants`,
        );
      });
      const story = new Story(platform!, narrator).tell();
      await Promise.race([story, stop.requested]);
    } finally {
      await platform?.close(stop.hurry);
    }
  } catch (error) {
    if (stop.signal.aborted) return 130;
    console.error(
      error instanceof UnexpectedError ? `\nThe story went wrong: ${error.message}` : explainFailure(error),
    );
    return 1;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  if (stop.signal.aborted) return 130;
  console.log(NEXT);
  return 0;
}

/** Entered, but not read, by the user that PostgreSQL runs as. */
async function temporaryHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'tenantry-demo-'));
  await chmod(home, 0o711);
  return home;
}

/** The environment decides on the adapter only: the demo must not touch anybody's database. */
function demoConfig(home: string): PlatformConfig {
  const { TENANTRY_ADAPTER } = process.env;
  return readPlatformConfig({ TENANTRY_ADAPTER, TENANTRY_HOME: home, PORT: '0' });
}

process.exit(await main());
