import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StartError } from '../start/start.error.js';

const secrets = z.object({ jwtSecret: z.string().min(32), databasePassword: z.string().min(16) });

/** What the embedded demo invents once and keeps. */
export type DemoSecrets = z.infer<typeof secrets>;

/**
 * Reads the secrets of a home, or makes them. The file appears whole or not at all, readable by its owner only.
 *
 * @throws {StartError} when the file is damaged, or this user may not read or write it
 */
export async function demoSecrets(home: string): Promise<DemoSecrets> {
  const file = join(home, 'secrets.json');
  try {
    return parse(file, (await read(file)) ?? (await create(home, file)));
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The demo's secrets cannot be kept in ${file}: ${(error as Error).message}.`, error);
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function create(home: string, file: string): Promise<string> {
  const made: DemoSecrets = {
    jwtSecret: randomBytes(48).toString('base64url'),
    databasePassword: randomBytes(24).toString('base64url'),
  };
  const whole = join(home, `secrets.json.${randomBytes(4).toString('hex')}`);
  try {
    await writeFile(whole, `${JSON.stringify(made, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await link(whole, file);
  } finally {
    await rm(whole, { force: true });
  }
  return readFile(file, 'utf8');
}

function parse(file: string, text: string): DemoSecrets {
  try {
    return secrets.parse(JSON.parse(text));
  } catch (error) {
    throw new StartError(
      `${file} is damaged. Remove it: the next start makes new secrets, and only tokens issued so far are lost.`,
      error,
    );
  }
}
