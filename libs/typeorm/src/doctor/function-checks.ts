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

/** A condition on `pg_proc p` and what was found with it, by schema and signature, quoted. */
async function findFunctions(
  session: DoctorSession,
  { centralSchema, extensionSchemas }: Subject,
  condition: string,
  everywhere: boolean,
): Promise<readonly string[]> {
  const found = await session.query<{ signature: string }>(
    `SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS signature
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND ($2 OR n.nspname = ANY ($1::text[])) AND (${condition})
     ORDER BY 1 LIMIT ${EXAMPLES + 1}`,
    [['public', centralSchema, ...extensionSchemas], everywhere],
  );
  return found.map(({ signature }) => signature);
}

/** As words of the body: the text of functions in C or of the new SQL syntax is empty, and is not looked at. */
const CHANGES_SESSION = `
  p.prosrc ~* '\\mset_config\\s*\\([^;]*,\\s*(false|''f''|''false'')\\s*\\)'
  OR p.prosrc ~* '(^|;|\\mbegin\\M|\\mthen\\M|\\melse\\M|\\mloop\\M)\\s*set\\s+(?!local\\M|constraints\\M|transaction\\M)\\w'
  OR p.prosrc ~* '\\mset\\s+session\\M' OR p.prosrc ~* '\\m(pg_advisory_lock|discard|listen|load)\\M'`;

const makeCheck =
  (everywhere: boolean) =>
  (
    inspect: (find: (condition: string) => Promise<readonly string[]>) => ReturnType<Check['inspect']>,
    levels: Check['levels'],
  ): Check => ({
    levels,
    thorough: everywhere,
    inspect: (session, subject) =>
      inspect((condition) => findFunctions(session, subject, condition, everywhere)),
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
      const found = await find(CHANGES_SESSION);
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
