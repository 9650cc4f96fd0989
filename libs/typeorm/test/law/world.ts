import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { cloneUrl, createTestDatabase } from '@tenantry/dev-servers/testing';

/** A database with three tenants, made to punish every slip: decoys in `public`, and traps on the write side. */
export interface World {
  /** A login that may do more than a runtime login should, so that only the engine keeps tenants apart. */
  readonly url: string;
  readonly tenants: readonly string[];
  /** A schema that does not exist, with a role that does. */
  readonly missing: { readonly schema: string; readonly role: string };
  /** A schema that exists, with a role that does not. */
  readonly ghost: { readonly schema: string; readonly role: string };
  readonly admin: pg.Client;
  close(): Promise<void>;
}

export async function createWorld(): Promise<World> {
  const database = await createTestDatabase();
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  const suffix = randomBytes(4).toString('hex');
  const login = `law_${suffix}`;
  const tenants = ['a', 'b', 'c'].map((name) => `law_${suffix}_${name}`);
  await admin.query(`CREATE ROLE ${login} LOGIN NOINHERIT PASSWORD 'law'`);
  await admin.query(
    `CREATE TABLE public.me AS SELECT 'PUBLIC'::text AS name; GRANT SELECT ON public.me TO PUBLIC`,
  );
  await admin.query(
    `CREATE TABLE public.only_public AS SELECT 'PUBLIC'::text AS name; GRANT SELECT ON public.only_public TO PUBLIC`,
  );
  await admin.query(
    `CREATE SCHEMA ext; GRANT USAGE ON SCHEMA ext TO PUBLIC;
     CREATE FUNCTION ext.hidden_set(path text) RETURNS void LANGUAGE plpgsql AS
       $$ BEGIN PERFORM set_config('search_path', path, false); END $$`,
  );
  for (const tenant of tenants) {
    await admin.query(
      `CREATE ROLE ${tenant} NOLOGIN; GRANT ${tenant} TO ${login};
       CREATE SCHEMA ${tenant}; GRANT USAGE ON SCHEMA ${tenant} TO ${tenant};
       CREATE TABLE ${tenant}.me AS SELECT '${tenant}'::text AS name;
       CREATE TABLE ${tenant}.parent (id int PRIMARY KEY);
       CREATE TABLE ${tenant}.child (parent int REFERENCES ${tenant}.parent DEFERRABLE INITIALLY DEFERRED);
       CREATE TABLE ${tenant}.ledger (id int PRIMARY KEY, owner text NOT NULL CHECK (owner = '${tenant}'));
       GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA ${tenant} TO ${tenant}`,
    );
  }
  return {
    url: cloneUrl(database.url, { user: login, password: 'law' }),
    tenants,
    missing: { schema: `law_${suffix}_gone`, role: tenants[0]! },
    ghost: { schema: tenants[1]!, role: `law_${suffix}_ghost` },
    admin,
    close: async () => {
      for (const role of [login, ...tenants])
        await admin.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
      await admin.end();
      await database.drop();
    },
  };
}
