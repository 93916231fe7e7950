import { createHash } from 'node:crypto';
import type { ReasonedRecord } from '../reasoned-record.ts';
import type { Reasoner } from '../reasoner.ts';
import type { BatchQuery } from './batch-queries.ts';

/** The calls of a batch: `samples` of each query, numbered query by query from 0. */
export interface BatchCalls {
  readonly queries: readonly BatchQuery[];
  readonly samples: number;
  /** A hash of all that what they come to depends on, as 64 hex digits. */
  readonly identity: string;
}

/**
 * {@link BatchCalls.identity} of a batch: the reasoner's id and what its `cacheKey` says it depends on, `settings`, the
 * number of samples, and each query with its id.
 */
export async function batchIdentity(
  reasoner: Reasoner,
  queries: readonly BatchQuery[],
  { samples, settings = '', signal }: { samples: number; settings?: string; signal?: AbortSignal },
): Promise<string> {
  const hash = createHash('sha256');
  const model = (await reasoner.cacheKey?.('', { signal })) ?? '';
  hash.update(JSON.stringify([reasoner.id, model, settings, samples]));
  for (const { id, query } of queries) hash.update(`\n${JSON.stringify({ id, query })}`);
  return hash.digest('hex');
}

const finishReasons: ReadonlySet<unknown> = new Set(['stop', 'length', 'early', 'skipped', 'failed']);

/** Whether a JSON value is the record of a reasoned query of `query`. */
export function isRecordOf(query: string, value: unknown): value is ReasonedRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<Record<keyof ReasonedRecord, unknown>>;
  return (
    record.query === query &&
    typeof record.text === 'string' &&
    typeof record.reasoner === 'string' &&
    finishReasons.has(record.finish) &&
    [record.promptTokens, record.completionTokens, record.milliseconds].every(Number.isFinite) &&
    typeof record.cached === 'boolean'
  );
}
