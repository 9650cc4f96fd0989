/** What to replace in a connection URL; what is left out stays as it is. */
export interface UrlChanges {
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
}

/**
 * A connection URL like another one.
 *
 * @example
 * ```ts
 * cloneUrl('postgres://postgres:secret@127.0.0.1:5432/postgres', { user: 'app', password: 'p/w' });
 * // postgres://app:p%2Fw@127.0.0.1:5432/postgres
 * ```
 */
export function cloneUrl(url: string, { database, user, password }: UrlChanges): string {
  const clone = new URL(url);
  if (database !== undefined) clone.pathname = `/${encodeURIComponent(database)}`;
  if (user !== undefined) clone.username = encodeURIComponent(user);
  if (password !== undefined) clone.password = encodeURIComponent(password);
  return clone.href;
}
