/**
 * A reasoned query as the cache keeps it: one byte of version, 16 bytes of checksum, and JSON. The checksum is of the key
 * too, so that a value that came to stand under another key is known as such.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { ReasonedQuery } from '../reasoner.ts';
import { isUsableText } from '../usable-text.ts';

const version = 1;
const checksumBytes = 16;
/** Version and checksum: no two values begin with the same. */
export const headBytes = 1 + checksumBytes;
const count = z.number().int().nonnegative();

const cachedQuery = z.strictObject({
  query: z.string(),
  text: z.string().refine(isUsableText),
  /** The id of the reasoner that it is of. */
  reasoner: z.string(),
  finish: z.enum(['stop', 'length', 'early']),
  promptTokens: count,
  completionTokens: count,
  /** What it took to make it. */
  milliseconds: z.number().nonnegative(),
  seed: z.number().optional(),
  /** Of the price that it had, where prices were known. */
  currency: z.string().optional(),
  /** When it was made, and, to the day, last used: milliseconds since 1970. */
  created: count,
  used: count,
});

/** A reasoned query in the cache, and when it was made and used. */
export type CachedQuery = Readonly<z.infer<typeof cachedQuery>>;

/**
 * The key of what `cacheKey` of a reasoner returns: its SHA-256. Code units are hashed, not UTF-8, in which all texts that
 * are not well-formed would be the same.
 */
export function cacheKeyHash(cacheKey: string): Buffer {
  return createHash('sha256')
    .update(Buffer.from(`reasoned query\0${cacheKey}`, 'utf16le'))
    .digest();
}

/** What is kept of a reasoned query made at `now`; undefined of those that are never kept: failed, skipped, empty ones. */
export function cachedQueryOf(reasoned: ReasonedQuery, now: number): CachedQuery | undefined {
  const { query, text, weights, reasoner, finish, promptTokens, completionTokens, milliseconds, seed, cost } =
    reasoned;
  if (weights !== undefined || reasoned.failure !== undefined) return undefined;
  const kept = cachedQuery.safeParse({
    query,
    text,
    reasoner,
    finish,
    promptTokens,
    completionTokens,
    milliseconds,
    seed,
    currency: cost?.currency,
    created: now,
    used: now,
  });
  return kept.data;
}

/** The bytes of a value under `key`. */
export function encodeCachedQuery(key: Buffer, cached: CachedQuery): Buffer {
  const json = Buffer.from(JSON.stringify(cached));
  return Buffer.concat([Buffer.of(version), checksum(key, json), json]);
}

/** The value that these bytes under `key` are; undefined where they are damaged. */
export function decodeCachedQuery(key: Buffer, value: Uint8Array): CachedQuery | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const json = bytes.subarray(headBytes);
  if (bytes[0] !== version || !bytes.subarray(1, headBytes).equals(checksum(key, json))) {
    return undefined;
  }
  try {
    return cachedQuery.safeParse(JSON.parse(json.toString())).data;
  } catch {
    return undefined;
  }
}

function checksum(key: Buffer, json: Buffer): Buffer {
  return createHash('sha256').update(key).update(json).digest().subarray(0, checksumBytes);
}
