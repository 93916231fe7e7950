import { createHash } from 'node:crypto';
import { readJsonl } from '../collections/jsonl.ts';
import { readText } from '../collections/lines.ts';
import { textField } from '../collections/record-fields.ts';
import { QuernError, type QuernErrorCode } from '../errors.ts';
import { endedEarly } from './early-end.ts';
import type { Failure, ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';

/** What is recorded of a query: its reasoned query, or why there is none. */
type Recorded = string | Failure;

/**
 * `file:PATH`: recorded reasoned queries, in a JSON object, query text → reasoned query, or in JSON lines with `query` and
 * `text` as a batch writes them (`.jsonl`); plain or compressed by gzip. Where a batch failed for a query, so does this.
 */
export class RecordedReasoner implements Reasoner {
  readonly id: string;
  readonly #path: string;
  readonly #recorded: ReadonlyMap<string, Recorded>;
  #hash: string | undefined;

  private constructor(path: string, recorded: ReadonlyMap<string, Recorded>) {
    this.id = `file:${path}`;
    this.#path = path;
    this.#recorded = recorded;
  }

  /** Reads the file. Throws `NOT_FOUND`, or `BAD_INPUT` where it is neither. */
  static async open(path: string): Promise<RecordedReasoner> {
    return new RecordedReasoner(
      path,
      /\.jsonl(\.gz)?$/.test(path) ? await ofLines(path) : await ofObject(path),
    );
  }

  /** The reasoned queries that are recorded, without the failures. */
  get texts(): string[] {
    return [...this.#recorded.values()].filter((each) => typeof each === 'string');
  }

  /** The queries with what is recorded of them, without the failures. */
  *entries(): Generator<[query: string, text: string]> {
    for (const [query, text] of this.#recorded) if (typeof text === 'string') yield [query, text];
  }

  /**
   * The recorded reasoned query; one without a text and with `finish: 'failed'` where a failure is recorded. Throws
   * `NOT_FOUND` naming the query where there is neither.
   */
  async reason(query: string, { enough }: ReasonOptions = {}): Promise<ReasonedQuery> {
    const started = performance.now();
    const recorded = this.#recorded.get(query);
    if (recorded === undefined) {
      throw new QuernError('NOT_FOUND', `no reasoned query is recorded for ${excerpt(query)}`, {
        where: this.#path,
        hint: 'It has texts for certain queries alone, letter by letter; a reasoner such as rm3 takes any',
      });
    }
    const reasoned: ReasonedQuery = {
      query,
      ...(typeof recorded === 'string'
        ? { text: recorded, finish: 'stop' }
        : { text: '', finish: 'failed', failure: recorded }),
      reasoner: this.id,
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: 0,
      cached: true,
    };
    return { ...(await endedEarly(reasoned, enough)), milliseconds: performance.now() - started };
  }

  /** A hash of all that is recorded, and the query. */
  async cacheKey(query: string): Promise<string> {
    this.#hash ??= hashOf(this.#recorded);
    return JSON.stringify(['file', this.#hash, query]);
  }

  async close(): Promise<void> {}
}

function hashOf(recorded: ReadonlyMap<string, Recorded>): string {
  const hash = createHash('sha256');
  for (const entry of recorded) hash.update(`${JSON.stringify(entry)}\n`);
  return hash.digest('hex');
}

/** The texts of a JSON object, query text → reasoned query. */
async function ofObject(path: string): Promise<Map<string, string>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readText(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new QuernError('BAD_INPUT', `not valid JSON (${error.message})`, { where: path, cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new QuernError('BAD_INPUT', 'not a JSON object of query text → reasoned query', { where: path });
  }
  const texts = new Map<string, string>();
  for (const [query, text] of Object.entries(parsed)) {
    if (typeof text !== 'string') {
      throw new QuernError('BAD_INPUT', `the reasoned query of ${excerpt(query)} is not a text`, {
        where: path,
      });
    }
    texts.set(query, text);
  }
  return texts;
}

/** What the records of a batch hold: of several samples, the first that did not fail. */
async function ofLines(path: string): Promise<Map<string, Recorded>> {
  const all = new Map<string, Recorded>();
  for await (const placed of readJsonl(path)) {
    const query = textField(placed, 'query');
    const text = textField(placed, 'text');
    if (query === undefined || text === undefined) {
      const lacking = query === undefined ? 'query' : 'text';
      throw new QuernError('BAD_INPUT', `the record has no ${lacking}`, {
        where: placed.where,
        hint: 'A line holds a query and the text that was reasoned about it, as quern reason --batch writes them',
      });
    }
    if (typeof all.get(query) === 'string') continue;
    const { finish, failure } = placed.record;
    if (finish !== 'failed') all.set(query, text);
    else if (!all.has(query)) all.set(query, recordedFailure(failure));
  }
  return all;
}

function recordedFailure(value: unknown): Failure {
  const { code, message } = (value ?? {}) as Partial<Record<keyof Failure, unknown>>;
  return {
    code: typeof code === 'string' ? (code as QuernErrorCode) : 'BAD_REPLY',
    message: typeof message === 'string' ? message : 'the reasoner failed when this was recorded',
  };
}

function excerpt(query: string): string {
  return JSON.stringify(query.length > 200 ? `${query.slice(0, 200)}…` : query);
}
