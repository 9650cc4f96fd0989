import { dropTestTemplates } from '../../libs/dev-servers/src/testing/index.ts';
import type { WithTestPostgres } from './global-setup.ts';

/** Ends what global-setup started; an external server keeps nothing of this run but what failed tests left. */
export default async function globalTeardown(): Promise<void> {
  const postgres = (globalThis as WithTestPostgres).tenantryTestPostgres;
  if (postgres?.external) await dropTestTemplates(postgres.url);
  await postgres?.stop();
}
