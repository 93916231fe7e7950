import { readJsonl } from '../collections/jsonl.ts';
import { readText } from '../collections/lines.ts';
import { textField } from '../collections/record-fields.ts';
import { QuernError } from '../errors.ts';
import type { ReasonedQuery, Reasoner } from './reasoner.ts';

/**
 * `file:PATH`: recorded reasoned queries, in a JSON object, query text → reasoned query, or in JSON lines with `query` and
 * `text` as a batch writes them (`.jsonl`); plain or compressed by gzip.
 */
export class RecordedReasoner implements Reasoner {
  readonly id: string;
  readonly #path: string;
  readonly #texts: ReadonlyMap<string, string>;

  private constructor(path: string, texts: ReadonlyMap<string, string>) {
    this.id = `file:${path}`;
    this.#path = path;
    this.#texts = texts;
  }

  /** Reads the file. Throws `NOT_FOUND`, or `BAD_INPUT` where it is neither. */
  static async open(path: string): Promise<RecordedReasoner> {
    return new RecordedReasoner(
      path,
      /\.jsonl(\.gz)?$/.test(path) ? await ofLines(path) : await ofObject(path),
    );
  }

  /** The recorded reasoned query. Throws `NOT_FOUND` naming the query where there is none. */
  async reason(query: string): Promise<ReasonedQuery> {
    const started = performance.now();
    const text = this.#texts.get(query);
    if (text === undefined) {
      throw new QuernError('NOT_FOUND', `no reasoned query is recorded for ${excerpt(query)}`, {
        where: this.#path,
        hint: 'The text of the query must be the very same',
      });
    }
    return {
      query,
      text,
      reasoner: this.id,
      finish: 'stop',
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: performance.now() - started,
      cached: true,
    };
  }

  async close(): Promise<void> {}
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

/** The texts of the records of a batch; of several samples, the first. Those that failed are left out. */
async function ofLines(path: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const placed of readJsonl(path)) {
    const query = textField(placed, 'query');
    const text = textField(placed, 'text');
    if (query === undefined || text === undefined) {
      throw new QuernError('BAD_INPUT', 'the record has no query and text', { where: placed.where });
    }
    if (placed.record['finish'] !== 'failed' && !texts.has(query)) texts.set(query, text);
  }
  return texts;
}

function excerpt(query: string): string {
  return JSON.stringify(query.length > 200 ? `${query.slice(0, 200)}…` : query);
}
