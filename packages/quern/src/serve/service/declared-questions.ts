import { stat } from 'node:fs/promises';
import { QuernError } from '../../errors.ts';
import { batchQueriesIn } from '../../reason/batch/batch-queries.ts';
import { RecentlyUsed } from '../../recently-used.ts';

/** A question that an index can be asked. */
export interface DeclaredQuestion {
  readonly id?: string;
  readonly text: string;
}

/** Questions of one file that are kept: those after them are not offered. */
const mostQuestions = 10_000;
/** Bytes of a file that is read: a file of questions that is larger is something else. */
const mostBytes = 16 << 20;

/** Files whose questions are kept. */
const keptFiles = 16;

/** What is known of a file: its state, and its questions once they are read. */
interface KnownFile {
  readonly state: string;
  readonly questions: Promise<readonly DeclaredQuestion[]>;
}

/** The questions in the files that a configuration declares, read when they are first asked for and again when a file changes. */
export class DeclaredQuestions {
  readonly #files = new RecentlyUsed<string, KnownFile>(keptFiles);
  /** Characters of a question: longer ones could not be asked. */
  readonly #longest: number;

  constructor(longest: number) {
    this.#longest = longest;
  }

  /**
   * `limit` questions of a file at most, those before `from` left out; `total` is how many there are. Throws `UNAVAILABLE` where
   * the file cannot be read.
   */
  async page(
    file: string,
    from: number,
    limit: number,
  ): Promise<{ readonly total: number; readonly questions: readonly DeclaredQuestion[] }> {
    try {
      const questions = await this.#questions(file);
      return { total: questions.length, questions: questions.slice(from, from + limit) };
    } catch (cause) {
      throw new QuernError('UNAVAILABLE', 'the questions of the index cannot be read', { cause });
    }
  }

  async #questions(file: string): Promise<readonly DeclaredQuestion[]> {
    const { ino, mtimeMs, size } = await stat(file);
    const state = `${ino} ${mtimeMs} ${size}`;
    const known = this.#files.get(file);
    if (known?.state === state) return known.questions;
    if (size > mostBytes)
      throw new QuernError('UNSUPPORTED', `is larger than ${mostBytes} bytes`, { where: file });
    const questions = this.#read(file);
    this.#files.set(file, { state, questions });
    questions.catch(() => this.#files.delete(file));
    return questions;
  }

  async #read(file: string): Promise<readonly DeclaredQuestion[]> {
    const questions: DeclaredQuestion[] = [];
    for await (const { id, query } of await batchQueriesIn(file)) {
      if (query.length > this.#longest) continue;
      questions.push({ ...(id !== undefined && { id }), text: query });
      if (questions.length === mostQuestions) break;
    }
    return questions;
  }
}
