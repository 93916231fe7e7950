import { createHash, type Hash } from 'node:crypto';
import { QuernError } from '../../errors.ts';
import type { ReasonedRecord } from '../reasoned-record.ts';
import type { Reasoner } from '../reasoner.ts';
import type { BatchQueries, BatchQuery } from './batch-queries.ts';

/**
 * The calls of a batch: `samples` of each query, numbered query by query from 0. Of a query no more is kept than 4 bytes, by
 * which it is known again.
 */
export class BatchCalls {
  readonly samples: number;
  /** A hash of all that what they come to depends on, as 64 hex digits. */
  readonly identity: string;
  /** How many queries there are. */
  readonly queries: number;
  readonly #source: BatchQueries;
  readonly #head: string;
  readonly #fingerprints: Uint32Array;

  private constructor(
    source: BatchQueries,
    { samples, head, identity, fingerprints }: Known & { samples: number; head: string },
  ) {
    this.#source = source;
    this.#head = head;
    this.#fingerprints = fingerprints;
    this.samples = samples;
    this.identity = identity;
    this.queries = fingerprints.length;
  }

  /**
   * The calls of a batch; goes through the queries once. What they come to depends on the reasoner's id and what its
   * `cacheKey` says, `settings`, the number of samples, and each query with its id.
   */
  static async of(
    reasoner: Reasoner,
    queries: BatchQueries,
    { samples, settings = '', signal }: { samples: number; settings?: string; signal?: AbortSignal },
  ): Promise<BatchCalls> {
    const model = (await reasoner.cacheKey?.('', { signal })) ?? '';
    const head = JSON.stringify([reasoner.id, model, settings, samples]);
    return new BatchCalls(queries, { samples, head, ...(await knownOf(queries, head)) });
  }

  /** How many calls there are. */
  get total(): number {
    return this.queries * this.samples;
  }

  /** The queries with their places, from 0; at their end, throws `BAD_INPUT` where they are not what they were. */
  async *all(): AsyncGenerator<BatchQuery & { readonly position: number }> {
    const hash = identityFrom(this.#head);
    let position = 0;
    for await (const { id, query } of this.#source) {
      if (!this.isAt(position, query)) throw changed();
      addTo(hash, { id, query });
      yield { id, query, position: position++ };
    }
    if (hash.digest('hex') !== this.identity) throw changed();
  }

  /** Whether the query at a position is `query`: surely not where it says so, and else but for one case in 2^32. */
  isAt(position: number, query: string): boolean {
    return position < this.queries && this.#fingerprints[position] === fingerprint(query);
  }
}

interface Known {
  readonly identity: string;
  readonly fingerprints: Uint32Array;
}

async function knownOf(queries: BatchQueries, head: string): Promise<Known> {
  const hash = identityFrom(head);
  let fingerprints = new Uint32Array(1024);
  let count = 0;
  for await (const { id, query } of queries) {
    if (count === fingerprints.length) {
      const larger = new Uint32Array(2 * count);
      larger.set(fingerprints);
      fingerprints = larger;
    }
    fingerprints[count++] = fingerprint(query);
    addTo(hash, { id, query });
  }
  return { identity: hash.digest('hex'), fingerprints: fingerprints.slice(0, count) };
}

function identityFrom(head: string): Hash {
  return createHash('sha256').update(head);
}

function addTo(hash: Hash, { id, query }: BatchQuery): void {
  hash.update(`\n${JSON.stringify({ id, query })}`);
}

function fingerprint(query: string): number {
  return createHash('sha256').update(query).digest().readUInt32LE();
}

function changed(): QuernError {
  return new QuernError('BAD_INPUT', 'the queries of the batch are others than they were when it began', {
    hint: 'Leave their file as it is while a batch goes on',
  });
}

const finishReasons: ReadonlySet<unknown> = new Set(['stop', 'length', 'early', 'skipped', 'failed']);

/** Whether a JSON value is the record of a reasoned query of `query`, or of any query. */
export function isRecord(value: unknown, query?: string): value is ReasonedRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<Record<keyof ReasonedRecord, unknown>>;
  return (
    typeof record.query === 'string' &&
    (query === undefined || record.query === query) &&
    typeof record.text === 'string' &&
    typeof record.reasoner === 'string' &&
    finishReasons.has(record.finish) &&
    [record.promptTokens, record.completionTokens, record.milliseconds].every(Number.isFinite) &&
    typeof record.cached === 'boolean'
  );
}
