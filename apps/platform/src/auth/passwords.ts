import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** Cost of one hash: 16 MiB and about 0.2 s. @see OWASP Password Storage Cheat Sheet, scrypt */
interface Cost {
  /** Logarithm of N, to the base 2. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

const COST: Cost = { ln: 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w-]{22})\$([\w-]{43})$/;

/** No password has this hash: it was not made from one. For users that do not exist, who must take as long. */
const NOBODY = encode(COST, Buffer.alloc(SALT_BYTES), Buffer.alloc(HASH_BYTES));

/** @returns `$scrypt$ln=…,r=…,p=…$salt$hash`, which carries its own cost, so that the cost may be raised later */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return encode(COST, salt, await hash(password, salt, COST));
}

/** @param stored undefined when there is no such user: false, after as long as it takes for one that there is */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, ln, r, p, salt, expected] = FORMAT.exec(stored ?? NOBODY) ?? [];
  if (salt === undefined || expected === undefined)
    throw new Error('A stored password hash has no known format.');
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const actual = await hash(password, Buffer.from(salt, 'base64url'), cost);
  return timingSafeEqual(actual, Buffer.from(expected, 'base64url')) && stored !== undefined;
}

function hash(password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> {
  const N = 2 ** ln;
  // One text, one hash: the same letter may be typed as one code point or as two.
  return derive(password.normalize('NFKC'), salt, HASH_BYTES, { N, r, p, maxmem: 256 * N * r });
}

function encode({ ln, r, p }: Cost, salt: Buffer, hashed: Buffer): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString('base64url')}$${hashed.toString('base64url')}`;
}
