import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { DEFAULT_TENANT_POOL_OPTIONS } from '../../src/pool/tenant-pool.options.js';
import { resolveTenantDataSourceOptions } from '../../src/datasource/tenant-data-source.options.js';
import { World } from '../provisioning/world.js';

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

/** The first example, with a role of its own: those of the server are shared with other tests. */
function example(centralRole: string): { main(): Promise<void> } {
  const text = /```ts\n([^]*?)```/.exec(README)![1]!.replace('notes_central', centralRole);
  const { code } = transformSync(text, {
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      keepClassNames: true,
    },
  });
  const exported = {} as { main(): Promise<void> };
  // oxlint-disable-next-line typescript/no-implied-eval -- our own text, compiled above
  new Function('require', 'exports', code)(require, exported);
  return exported;
}

describe('the README', () => {
  it('has an example that runs, and prints what it says', async () => {
    const world = await World.open();
    jest.replaceProperty(process, 'env', {
      ...process.env,
      DATABASE_URL: world.urlOf(world.login),
      DATABASE_ADMIN_URL: world.adminUrl,
    });
    const printed = jest.spyOn(console, 'log').mockImplementation();
    try {
      await example(world.isolation.centralRole).main();
      expect(printed.mock.calls).toEqual([[['ours']], [['mine']]]);
    } finally {
      jest.restoreAllMocks();
      const tenants = await world.sessions.query<{ schema: string }>(
        'SELECT schema_name AS schema FROM tenantry.tenants',
      );
      for (const { schema } of tenants) world.role(schema);
      await world.close();
    }
  });

  it('tells the defaults that the code has', () => {
    const { isolation } = resolveTenantDataSourceOptions();
    const { acquireTimeoutMs, maxSchemasPerConnection, pooler, cancelOnAbort } = DEFAULT_TENANT_POOL_OPTIONS;
    const defaults = {
      'isolation.level': isolation.level,
      'isolation.centralSchema': isolation.centralSchema,
      'isolation.maxViews': isolation.maxViews,
      'pool.acquireTimeoutMs': acquireTimeoutMs,
      'pool.maxSchemasPerConnection': maxSchemasPerConnection,
      'pool.pooler': pooler,
      'pool.cancelOnAbort': cancelOnAbort,
    };
    const told = Object.keys(defaults).map((name) => {
      const row = README.split('\n').find((line) => line.startsWith(`| \`${name}\``))!;
      return [
        name,
        row
          .split('|')[3]!
          .trim()
          .replaceAll(/`|(?<=\d) (?=\d{3})/g, ''),
      ];
    });
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, String(value)])),
    );
  });
});
