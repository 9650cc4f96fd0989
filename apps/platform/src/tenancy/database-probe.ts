import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { TenantContext } from '@tenantry/core';
import { DataSource } from 'typeorm';

/** How long the database may take to answer. */
const PATIENCE_MS = 2_000;

/** Whether the database answers, asked in central context: readiness belongs to no tenant. */
@Injectable()
export class DatabaseProbe {
  constructor(private readonly dataSource: DataSource) {}

  async isUp(): Promise<boolean> {
    const givingUp = new AbortController();
    try {
      return await Promise.race([
        TenantContext.runCentral(() => this.dataSource.query('SELECT 1')).then(
          () => true,
          () => false,
        ),
        delay(PATIENCE_MS, false, { signal: givingUp.signal }),
      ]);
    } finally {
      givingUp.abort();
    }
  }
}
