import { Client } from 'pg';
import { cloneUrl, createTestDatabase } from '../src/testing/index.ts';

describe('test databases', () => {
  it('are copied eight at a time from a template that is prepared once', async () => {
    const prepare = jest.fn(async (url: string) => {
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query('create table notes (text text not null); insert into notes values ($$hello$$)');
      await client.end();
    });
    const template = { name: 'eight at a time', prepare };
    const databases = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase({ template })));

    expect(prepare).toHaveBeenCalledTimes(1);
    expect(new Set(databases.map(({ name }) => name)).size).toBe(8);
    await Promise.all(databases.map((database) => database.drop()));
    expect(cloneUrl('postgres://a@h/b', { database: 'x' })).toBe('postgres://a@h/x');
  });
});
