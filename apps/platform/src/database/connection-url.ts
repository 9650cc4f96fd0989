/** The parts of a PostgreSQL connection string that the platform looks at. */
export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

export function loginOf(url: string): string {
  return decodeURIComponent(new URL(url).username);
}

export function passwordOf(url: string): string {
  return decodeURIComponent(new URL(url).password);
}

export function withLogin(url: string, login: string, password: string): string {
  const changed = new URL(url);
  changed.username = encodeURIComponent(login);
  changed.password = encodeURIComponent(password);
  return changed.href;
}

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

/** For messages: neither user nor password. */
export function serverOf(url: string): string {
  return new URL(url).host;
}
