import { readText } from '../collections/lines.ts';
import { QuernError } from '../errors.ts';
import type { ReasonedQuery, Reasoner } from './reasoner.ts';

/** `file:PATH`: reasoned queries recorded in a JSON object, query text → reasoned query, plain or compressed by gzip. */
export class RecordedReasoner implements Reasoner {
  readonly id: string;
  readonly #path: string;
  readonly #texts: ReadonlyMap<string, string>;

  private constructor(path: string, texts: ReadonlyMap<string, string>) {
    this.id = `file:${path}`;
    this.#path = path;
    this.#texts = texts;
  }

  /** Reads the file. Throws `NOT_FOUND`, or `BAD_INPUT` where it is not a JSON object of texts. */
  static async open(path: string): Promise<RecordedReasoner> {
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
    return new RecordedReasoner(path, texts);
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

function excerpt(query: string): string {
  return JSON.stringify(query.length > 200 ? `${query.slice(0, 200)}…` : query);
}
