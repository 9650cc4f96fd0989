import { createHash } from 'node:crypto';
import { isSchemaName } from '@tenantry/core';
import type { IsolationOptions } from '@tenantry/typeorm';

export interface DatabaseNames {
  readonly runtimeLogin: string;
  readonly isolation: IsolationOptions & { readonly centralSchema: string; readonly centralRole: string };
}

/** So that a suffix still fits into an identifier of PostgreSQL. */
const MAX_STEM = 48;

/** Roles belong to the whole server: each database on it gets its own, named after it. */
export function databaseNames(database: string): DatabaseNames {
  const plain = isSchemaName(database) && database.length <= MAX_STEM;
  const stem = plain
    ? database
    : `tenantry_${createHash('sha256').update(database).digest('hex').slice(0, 12)}`;
  return {
    runtimeLogin: `${stem}_runtime`,
    isolation: { centralSchema: 'tenantry', centralRole: `${stem}_central` },
  };
}
