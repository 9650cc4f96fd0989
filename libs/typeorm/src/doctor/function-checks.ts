import {
  BOTH,
  EXAMPLES,
  ROLE,
  listed,
  statements,
  type Check,
  type DoctorSession,
  type Subject,
} from './check.js';

/** Signatures, quoted, of functions that meet a condition on `pg_proc p`, whose own parameters begin at `$3`. */
async function findFunctions(
  session: DoctorSession,
  { centralSchema, extensionSchemas }: Subject,
  everywhere: boolean,
  condition: string,
  parameters: readonly unknown[],
): Promise<readonly string[]> {
  const found = await session.query<{ signature: string }>(
    `SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS signature
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND ($2 OR n.nspname = ANY ($1::text[])) AND (${condition})
     ORDER BY 1 LIMIT ${EXAMPLES + 1}`,
    [['public', centralSchema, ...extensionSchemas], everywhere, ...parameters],
  );
  return found.map(({ signature }) => signature);
}

/**
 * Regular expressions of PostgreSQL for what a body says. Functions in C, and those in the newer SQL syntax, have no
 * text to look at. Sent as parameters: in the statement's own text a lease would take them for what they look for.
 */
const SESSION_CHANGES: readonly string[] = [
  String.raw`\mset_config\s*\([^;]*,\s*(false|'f'|'false')\s*\)`,
  String.raw`(^|;|\mbegin\M|\mthen\M|\melse\M|\mloop\M)\s*set\s+(?!local\M|constraints\M|transaction\M)\w`,
  String.raw`\mset\s+session\M`,
  String.raw`\m(pg_advisory_lock|discard|listen|load)\M`,
];

type Find = (condition: string, parameters?: readonly unknown[]) => Promise<readonly string[]>;

const makeCheck =
  (everywhere: boolean) =>
  (inspect: (find: Find) => ReturnType<Check['inspect']>, levels: Check['levels']): Check => ({
    levels,
    thorough: everywhere,
    inspect: (session, subject) =>
      inspect((condition, parameters = []) =>
        findFunctions(session, subject, everywhere, condition, parameters),
      ),
  });

const functionChecks = (everywhere: boolean): readonly Check[] => {
  const check = makeCheck(everywhere);
  return [
    check(async (find) => {
      const found = await find(
        `EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c ~ '^(role|session_authorization)=')`,
      );
      if (found.length === 0) return [];
      return [
        {
          code: 'FUNCTION_SETS_ROLE',
          severity: 'breaks',
          what: `${listed(found)} run as a role of their own choice, whoever calls them`,
          remedy: statements(found, (signature) => `ALTER FUNCTION ${signature} RESET role`),
        },
      ];
    }, ROLE),
    check(async (find) => {
      const found = await find('p.prosrc ~* ANY ($3::text[])', [SESSION_CHANGES]);
      if (found.length === 0) return [];
      return [
        {
          code: 'FUNCTION_CHANGES_SESSION',
          severity: 'weakens',
          what: `${listed(found)} seem to change the session for longer than a transaction, where the engine cannot see it`,
          remedy: `in their bodies use SET LOCAL or set_config(…, true), and transaction-level locks; or ${statements(
            found,
            (signature) => `REVOKE EXECUTE ON FUNCTION ${signature} FROM PUBLIC`,
          )}`,
        },
      ];
    }, BOTH),
    check(async (find) => {
      const found = await find(
        `p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\\_path=%')`,
      );
      if (found.length === 0) return [];
      return [
        {
          code: 'DEFINER_WITHOUT_PATH',
          severity: 'weakens',
          what: `${listed(found)} run with their owner's rights and the caller's search_path`,
          remedy: statements(
            found,
            (signature) => `ALTER FUNCTION ${signature} SET search_path = pg_catalog, <its schemas>, pg_temp`,
          ),
        },
      ];
    }, BOTH),
  ];
};

/** In the schemas that every tenant shares: `pg_proc` is read once for each, bodies only of what is in them. */
export const sharedFunctions = functionChecks(false);
/** In the schemas of tenants too. */
export const allFunctions = functionChecks(true);
