import { startPgBouncer, type PgBouncer } from '../../../../test/support/pgbouncer.js';
import { inspectIsolation } from '../../src/doctor/inspect-isolation.js';
import { TenantPool } from '../../src/pool/tenant-pool.js';
import { DEFAULT_TENANT_POOL_OPTIONS } from '../../src/pool/tenant-pool.options.js';
import { openPatient, type Patient } from './patient.js';

let patient: Patient;
let pooler: PgBouncer;

beforeAll(async () => {
  patient = await openPatient();
  pooler = await startPgBouncer({ url: patient.database.runtimeUrl, serverConnections: 2 });
});

afterAll(async () => {
  await pooler.stop();
  await patient.close();
});

async function examineThrough(url: string, told: 'none' | 'transaction'): Promise<readonly string[]> {
  const pool = new TenantPool({
    connectionString: url,
    max: 2,
    // The pooler refuses start-up options, so a pool that sends them would not even connect.
    tenantry: { ...DEFAULT_TENANT_POOL_OPTIONS, pooler: 'transaction', extendedOnly: true },
  });
  try {
    const findings = await inspectIsolation(pool, { isolation: patient.isolation, pooler: told });
    return findings.map(({ code }) => code);
  } finally {
    await pool.end();
  }
}

describe('a pooler between the application and PostgreSQL', () => {
  it('is found out when it lends sessions per transaction and nobody said so', async () => {
    expect(await examineThrough(pooler.url, 'none')).toEqual(['POOLER_PER_TRANSACTION']);
  });

  it('is no matter when the pool was told, and sends nothing that needs a session', async () => {
    expect(await examineThrough(pooler.url, 'transaction')).toEqual([]);
  });

  it('is not suspected where PostgreSQL itself answers', async () => {
    expect(await examineThrough(patient.database.runtimeUrl, 'none')).toEqual([]);
  });
});
