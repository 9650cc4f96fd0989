import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { MigrationInterface } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '@tenantry/dev-servers/testing';
import { TenantContext } from '@tenantry/core';
import { startTenantDatabase } from '../../src/testing/index.js';

/** The guide's own file is what is tested. */
const GUIDE = readFileSync(resolve(__dirname, '../../../../docs/guides/typeorm-cli.md'), 'utf8');
const CLI = require.resolve('typeorm/cli.js');
const SCHEMA = 'dev_model';

type ModuleKind = 'module' | 'commonjs';

const DATA_SOURCE_OF: Record<ModuleKind, () => string> = {
  module: () => blockThatStartsWith('// data-source.js, in a project of ES modules'),
  commonjs: () => {
    const [first, last] = blockThatStartsWith('// data-source.js, in a CommonJS project')
      .split('// …')
      .map((part) => part.trim());
    return DATA_SOURCE_OF.module()
      .replace(/^import .*$/m, first!)
      .replace(/^export default .*$/m, last!);
  },
};

function blockThatStartsWith(line: string): string {
  const start = GUIDE.indexOf('```js\n' + line);
  return GUIDE.slice(start + '```js\n'.length, GUIDE.indexOf('\n```', start));
}

/** Everything that TypeORM has to name: enum types, a uuid, relations, indexes, a generated column, a view. */
const ENTITIES = `
const later = process.env.MODEL === 'later';
const Booking = new EntitySchema({
  name: 'booking',
  columns: {
    id: { type: 'uuid', primary: true, generated: 'uuid' },
    number: { type: 'int', generated: 'increment' },
    state: { type: 'enum', enum: later ? ['open', 'paid', 'void'] : ['open', 'paid'] },
    flags: { type: 'enum', enum: ['a', 'b'], array: true, default: [] },
    title: { type: 'text', default: 'none' },
    shout: { type: 'text', generatedType: 'STORED', asExpression: 'upper("title")' },
    ...(later && { kind: { type: 'enum', enum: ['x', 'y'], nullable: true } }),
  },
  relations: {
    parent: { type: 'many-to-one', target: 'booking', nullable: true },
    guests: { type: 'many-to-many', target: 'guest', joinTable: true },
  },
  indices: [{ columns: ['state'] }],
});
const Guest = new EntitySchema({
  name: 'guest',
  columns: { id: { type: 'int', primary: true, generated: 'identity' }, name: { type: 'text' } },
  uniques: [{ columns: ['name'] }],
});
const Open = new EntitySchema({
  name: 'open_booking',
  type: 'view',
  expression: \`SELECT id, title FROM booking WHERE number > 0\`,
  columns: { id: { type: 'uuid' }, title: { type: 'text' } },
});`;

/** An application's folder, as far as the CLI looks at it. */
class Project {
  readonly dir = mkdtempSync(join(tmpdir(), 'tenantry-cli-'));
  readonly migrations = join(this.dir, 'dist/migrations');

  constructor(
    readonly kind: ModuleKind,
    private readonly databaseUrl: string,
  ) {
    mkdirSync(this.migrations, { recursive: true });
    symlinkSync(dirname(dirname(CLI)), join(this.dir, 'node_modules'));
    writeFileSync(join(this.dir, 'package.json'), JSON.stringify({ type: kind }));
    writeFileSync(join(this.dir, 'data-source.js'), DATA_SOURCE_OF[kind]());
    writeFileSync(
      join(this.dir, 'dist/booking.entity.js'),
      kind === 'module'
        ? `import { EntitySchema } from 'typeorm';${ENTITIES}\nexport { Booking, Guest, Open };`
        : `const { EntitySchema } = require('typeorm');${ENTITIES}\nmodule.exports = { Booking, Guest, Open };`,
    );
  }

  async typeorm(command: string, args: readonly string[] = [], model = 'first'): Promise<string> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [CLI, command, '-d', 'data-source.js', ...args],
      { cwd: this.dir, env: { ...process.env, DEV_DATABASE_URL: this.databaseUrl, MODEL: model } },
    );
    return stdout;
  }

  /** Text of the migration that TypeORM wrote. */
  async generate(name: string, model: string): Promise<string> {
    const flags = ['--outputJs', ...(this.kind === 'module' ? ['--esm'] : [])];
    await this.typeorm('migration:generate', [`dist/migrations/${name}`, ...flags], model);
    return readFileSync(
      join(
        this.migrations,
        readdirSync(this.migrations).find((file) => file.endsWith(`-${name}.js`))!,
      ),
      'utf8',
    );
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

async function onClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Tables, views and enum types, with the values of the latter. */
async function contentsOf(client: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'v')
     UNION ALL SELECT typname || ': ' || string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
       WHERE typnamespace = to_regnamespace($1) GROUP BY typname ORDER BY 1`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

const FIRST_TYPES = ['booking_flags_enum: a,b', 'booking_state_enum: open,paid'];
const LATER_TYPES = [
  'booking_flags_enum: a,b',
  'booking_kind_enum: x,y',
  'booking_state_enum: open,paid,void',
];
const RELATIONS = ['booking', 'booking_guests_guest', 'guest', 'migrations', 'open_booking'];

describe.each(['module', 'commonjs'] as const)(
  "TypeORM's CLI with the data-source file of the guide, %s",
  (kind) => {
    let database: TestDatabase;
    let project: Project;
    const written: string[] = [];

    beforeAll(async () => {
      database = await createTestDatabase();
      await onClient(database.url, (client) => client.query(`CREATE SCHEMA ${SCHEMA}`));
      project = new Project(kind, database.url);
    });

    afterAll(async () => {
      project?.remove();
      await database?.drop();
    });

    const contents = () => onClient(database.url, (client) => contentsOf(client, SCHEMA));

    it('generates migrations without the name of a schema', async () => {
      const first = await project.generate('CreateBookings', 'first');
      expect(first).toContain('CREATE TYPE "booking_state_enum" AS ENUM');
      expect(first).toContain('"id" uuid NOT NULL DEFAULT gen_random_uuid()');
      expect(first).toContain('CREATE INDEX');
      expect(first).toContain('REFERENCES "booking"("id")');
      expect(first).toContain(
        `VALUES (current_database(), current_schema(), 'booking', 'GENERATED_COLUMN', 'shout', `,
      );
      written.push(first);
    });

    it('runs them, and finds nothing to generate afterwards', async () => {
      await project.typeorm('migration:run');
      expect(await contents()).toEqual(expect.arrayContaining([...FIRST_TYPES, ...RELATIONS]));
      await expect(project.generate('Nothing', 'first')).rejects.toMatchObject({
        stdout: expect.stringContaining('No changes in database schema were found'),
      });
    });

    it('generates a change of enum types without the name of a schema, and runs it', async () => {
      written.push(await project.generate('AddKinds', 'later'));
      await project.typeorm('migration:run', [], 'later');
      expect(await contents()).toEqual(expect.arrayContaining(LATER_TYPES));
    });

    it('leaves no schema in any of them', () => {
      expect(written.filter((text) => /dev_model|public|tenantry_test/.test(text))).toEqual([]);
      expect(written).toHaveLength(2);
    });

    it('reverts them, one by one, to nothing', async () => {
      await project.typeorm('migration:revert', [], 'later');
      expect(await contents()).toEqual(expect.arrayContaining(FIRST_TYPES));
      await project.typeorm('migration:revert');
      expect(await contents()).toEqual(['migrations', 'typeorm_metadata']);
    });

    // Jest loads CommonJS only; what is in the files is the same.
    if (kind === 'commonjs') {
      it('generates what makes tenants: a type per schema, and nothing that crosses over', async () => {
        const migrations = readdirSync(project.migrations)
          .toSorted((a, b) => a.localeCompare(b))
          .map((file) => jest.requireActual<new () => MigrationInterface>(join(project.migrations, file)));
        const tenants = await createTestDatabase();
        const opened = await startTenantDatabase({ adminUrl: tenants.url, migrations });
        try {
          const [acme, globex] = [await opened.createTenant('acme'), await opened.createTenant('globex')];
          await onClient(tenants.url, async (client) => {
            for (const { schema } of [acme, globex]) {
              expect(await contentsOf(client, schema)).toEqual(
                expect.arrayContaining([...LATER_TYPES, ...RELATIONS]),
              );
            }
            expect(await contentsOf(client, 'public')).toEqual([]);
            const { rows: crossings } = await client.query(
              `SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
               WHERE c.relnamespace::regnamespace::text = ANY($1) AND t.typnamespace NOT IN (c.relnamespace, 'pg_catalog'::regnamespace)
             UNION ALL SELECT conrelid::regclass, conname FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
               WHERE k.connamespace::regnamespace::text = ANY($1) AND f.relnamespace <> k.connamespace`,
              [[acme.schema, globex.schema]],
            );
            expect(crossings).toEqual([]);
          });
          for (const tenant of [acme, globex]) {
            await TenantContext.run(tenant, () =>
              opened.dataSource.query(`INSERT INTO booking (title, state, kind) VALUES ($1, 'void', 'x')`, [
                tenant.slug,
              ]),
            );
          }
          const [row] = await TenantContext.run(acme, () =>
            opened.dataSource.query('SELECT shout, number FROM booking'),
          );
          expect(row).toEqual({ shout: 'ACME', number: 1 });
        } finally {
          await opened.close();
          await tenants.drop();
        }
      });
    }
  },
);
