import { inspect } from 'node:util';
import { EmbeddedPostgresError } from '@tenantry/dev-servers';
import { isTenancyError } from '@tenantry/core';
import { StartError } from './start.error.js';

/** Errors that were made for the user speak for themselves; for all others the stack is the best there is. */
export function explainFailure(error: unknown): string {
  const forUsers =
    error instanceof StartError || error instanceof EmbeddedPostgresError || isTenancyError(error);
  return forUsers
    ? `The platform did not start.\n${inWordsOfThePlatform(error.message)}`
    : `The platform failed.\n${inspect(error)}`;
}

/** The library names its own option; here it is a variable. */
function inWordsOfThePlatform(message: string): string {
  return message.replace('choose another dataDir', 'choose another home: TENANTRY_HOME=<folder>');
}
