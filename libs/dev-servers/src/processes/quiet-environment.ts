/**
 * The environment for our children: the caller's, without what would change how they behave. `PG*` would
 * redirect PostgreSQL, `NODE_*` (a debugger, a loader, coverage) would reach the supervisor, and a
 * translated server could not be understood: its messages are read here.
 */
export function quietEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|NODE_|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}
