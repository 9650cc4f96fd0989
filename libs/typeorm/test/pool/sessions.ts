import pg from 'pg';

/** Looks at, and ends, the sessions of one database from a superuser's session of its own. */
export class Sessions {
  readonly #admin: pg.Client;

  private constructor(admin: pg.Client) {
    this.#admin = admin;
  }

  static async open(adminUrl: string): Promise<Sessions> {
    const admin = new pg.Client({ connectionString: adminUrl, application_name: 'sessions-of-the-test' });
    await admin.connect();
    return new Sessions(admin);
  }

  async query<Row>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.#admin.query(sql, [...values])).rows as Row[];
  }

  /** Process ids of the sessions with an application name. */
  async pidsOf(application: string): Promise<number[]> {
    const rows = await this.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1`,
      [application],
    );
    return rows.map(({ pid }) => pid);
  }

  /** Ends sessions and waits until they are gone. */
  async terminate(...pids: readonly number[]): Promise<void> {
    for (const pid of pids) await this.query('SELECT pg_terminate_backend($1, 5000)', [pid]);
  }

  /** Waits until nobody of that name is connected: a session that is being closed takes its time. */
  async areGone(application: string): Promise<true> {
    while ((await this.pidsOf(application)).length > 0);
    return true;
  }

  close(): Promise<void> {
    return this.#admin.end();
  }
}
