import { hashPassword, verifyPassword } from './passwords.js';

describe('a password hash', () => {
  it('proves its password, and no other', async () => {
    const hash = await hashPassword('p\u00e2ss word');
    expect(await verifyPassword('p\u00e2ss word', hash)).toBe(true);
    // The same letter, typed as two code points.
    expect(await verifyPassword('pa\u0302ss word', hash)).toBe(true);
    expect(await verifyPassword('pass word', hash)).toBe(false);
    expect(await verifyPassword('', hash)).toBe(false);
  });

  it('carries its own salt and cost', async () => {
    const [one, two] = await Promise.all([hashPassword('same'), hashPassword('same')]);
    expect(one).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[\w-]{22}\$[\w-]{43}$/);
    expect(one).not.toBe(two);
    const cheaper = '$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$';
    await expect(verifyPassword('same', cheaper)).rejects.toThrow('no known format');
  });

  it('of nobody is proved by no password', async () => {
    expect(await verifyPassword('', undefined)).toBe(false);
  });
});
