import { randomBytes, randomUUID } from 'node:crypto';
import { schemaNameFor, snapshotTenant, type Tenant } from '@tenantry/core';
import { cloneUrl, createTestDatabase } from '@tenantry/dev-servers/testing';
import type { MigrationInterface } from 'typeorm';
import { TenantDataSource } from '../../src/datasource/tenant-data-source.js';
import type { IsolationLevel, PostgresOptions } from '../../src/datasource/tenant-data-source.options.js';
import { setUpDatabase } from '../../src/provisioning/database-setup.js';
import { TenantProvisioner } from '../../src/provisioning/tenant-provisioner.js';
import { Sessions } from '../pool/sessions.js';

type Migrations = readonly (new () => MigrationInterface)[];

interface ProvisionerOptions {
  readonly level?: IsolationLevel;
  readonly adminUrl?: string;
  readonly applicationName?: string;
  readonly extensionSchemas?: readonly string[];
}

/** A database, and names of its own for the roles in it, which belong to the whole server. */
export class World {
  readonly #roles: string[] = [];
  readonly #closing: (() => Promise<unknown>)[] = [];

  private constructor(
    readonly adminUrl: string,
    readonly sessions: Sessions,
    readonly suffix: string,
    private readonly drop: () => Promise<void>,
  ) {}

  static async open(): Promise<World> {
    const database = await createTestDatabase();
    const suffix = randomBytes(4).toString('hex');
    return new World(database.url, await Sessions.open(database.url), suffix, () => database.drop());
  }

  readonly password = randomBytes(12).toString('hex');

  get login(): string {
    return this.role(`app_${this.suffix}`);
  }

  get isolation() {
    return { centralSchema: 'tenantry', centralRole: this.role(`central_${this.suffix}`) };
  }

  /** A name that {@link close} removes. */
  role(name: string): string {
    if (!this.#roles.includes(name)) this.#roles.push(name);
    return name;
  }

  urlOf(user: string, password = this.password): string {
    return cloneUrl(this.adminUrl, { user, password });
  }

  async setUp(level: IsolationLevel = 'role', adminUrl = this.adminUrl): Promise<void> {
    const runtime = { login: this.login, password: this.password };
    await setUpDatabase({ adminUrl, runtime, isolation: { ...this.isolation, level } });
  }

  tenant(): Tenant {
    const id = randomUUID();
    return snapshotTenant({
      id,
      slug: `t-${id.slice(0, 8)}`,
      name: 'A tenant',
      schema: this.role(schemaNameFor(id)),
      tier: 'starter',
      placement: { cluster: 'default' },
      generation: 1,
      metadata: {},
    });
  }

  /** Not initialised yet. */
  dataSource(level: IsolationLevel, url: string, options: Partial<PostgresOptions> = {}): TenantDataSource {
    const dataSource = new TenantDataSource(
      { poolSize: 4, ...options, type: 'postgres', url },
      { isolation: { ...this.isolation, level } },
    );
    this.#closing.push(async () => dataSource.isInitialized && dataSource.destroy());
    return dataSource;
  }

  provisioner(
    migrations: Migrations,
    {
      level = 'role',
      adminUrl = this.adminUrl,
      applicationName = 'provisioning-test',
      extensionSchemas = [],
    }: ProvisionerOptions = {},
  ): TenantProvisioner {
    const options: PostgresOptions = {
      type: 'postgres',
      url: adminUrl,
      poolSize: 4,
      applicationName,
      // TypeORM's own would print every failing migration.
      logger: 'debug',
      migrations: [...migrations],
    };
    const isolation = { ...this.isolation, extensionSchemas, level: 'path' as const };
    const provisioner = new TenantProvisioner(() => new TenantDataSource(options, { isolation }), {
      level,
      runtimeLogin: this.login,
    });
    this.#closing.push(() => provisioner.close());
    return provisioner;
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
    const rows = await this.sessions.query<{ rolname: string }>(
      'SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)',
      [this.#roles],
    );
    for (const { rolname } of rows) await this.sessions.query(`DROP OWNED BY "${rolname}" CASCADE`);
    // In one statement: some may have made others, and are on record as their grantors.
    if (rows.length > 0)
      await this.sessions.query(`DROP ROLE ${rows.map(({ rolname }) => `"${rolname}"`).join(', ')}`);
    await this.sessions.close();
    await this.drop();
  }
}
