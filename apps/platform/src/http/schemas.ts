import { z } from 'zod';

/** A line of text. PostgreSQL cannot keep U+0000. */
export function line(maxCharacters: number): z.ZodString {
  return z
    .string()
    .trim()
    .min(1)
    .max(maxCharacters)
    .refine((text) => !text.includes('\0'), { error: 'Must not contain U+0000' });
}

export const byId = z.object({ id: z.guid({ error: 'Must be a UUID' }).toLowerCase() });
export type ById = z.infer<typeof byId>;

/** Part of a list. */
export const page = z.object({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(200)
    .default(50)
    .meta({ description: 'At most this many items.' }),
  offset: z.coerce
    .number()
    .int()
    .min(0)
    .max(2_147_483_647)
    .default(0)
    .meta({ description: 'Items to leave out at the beginning.' }),
});
export type Page = z.infer<typeof page>;

/** Body of every error response. */
export const errorBody = z
  .object({
    statusCode: z.int(),
    error: z.string().meta({ description: 'Reason phrase of the status.' }),
    message: z.union([z.string(), z.array(z.string())]),
    code: z.string().meta({ description: 'Stable name of the error.', example: 'VALIDATION_FAILED' }),
  })
  .meta({ id: 'Error' });

/** For `z.strictObject({…}).partial()`: a change that changes nothing is a mistake. */
export function changesSomething(change: object): boolean {
  return Object.keys(change).length > 0;
}
export const NO_CHANGE = { error: 'Name at least one property to change' };
