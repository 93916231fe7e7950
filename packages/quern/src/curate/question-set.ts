import { createReadStream } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, throwIfAborted } from '../errors.ts';
import { writeLines } from '../whole-file.ts';
import type { TextQuestion } from './question.ts';
import { byteLines } from './sources/byte-lines.ts';

/** A question with its number in the set, from 0. */
export interface NumberedQuestion {
  readonly n: number;
  readonly question: TextQuestion;
}

/** What is known of each question without reading its text. */
export interface QuestionFacts {
  /** Bytes of the file before each, and at the end those of all of it. */
  readonly offsets: Float64Array;
  readonly draws: Float64Array;
  /** Each one's score, 0 where there is none. */
  readonly scores: Int32Array;
  /** Each one's domain, by its number in `domainNames`. */
  readonly domains: Uint16Array;
}

const fileName = 'questions.jsonl';

/**
 * The questions of a run as texts, in a file, and which of them the stages have left. In memory are 22 bytes for each question and
 * one for whether it is left.
 */
export class QuestionSet {
  readonly domainNames: readonly string[];
  readonly facts: QuestionFacts;
  /** For each question 1 where a stage left it out. */
  readonly dropped: Uint8Array;
  readonly #path: string;
  #file: FileHandle | undefined;

  private constructor(path: string, domainNames: readonly string[], facts: QuestionFacts) {
    this.#path = path;
    this.domainNames = domainNames;
    this.facts = facts;
    this.dropped = new Uint8Array(facts.draws.length);
  }

  /** The set that the stage `text` wrote into `folder`. */
  static async open(folder: string): Promise<QuestionSet> {
    const { count, domains } = JSON.parse(await readFile(join(folder, 'facts.json'), 'utf8')) as {
      count: number;
      domains: string[];
    };
    const bytes = await readFile(join(folder, 'facts.bin'));
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    let at = 0;
    const column = <T>(make: (from: number) => T, size: number): T => {
      const made = make(at);
      at += size;
      return made;
    };
    const facts: QuestionFacts = {
      offsets: column((from) => new Float64Array(buffer, from, count + 1), 8 * (count + 1)),
      draws: column((from) => new Float64Array(buffer, from, count), 8 * count),
      scores: column((from) => new Int32Array(buffer, from, count), 4 * count),
      domains: column((from) => new Uint16Array(buffer, from, count), 2 * count),
    };
    return new QuestionSet(join(folder, fileName), domains, facts);
  }

  get count(): number {
    return this.dropped.length;
  }

  /** How many questions are left. */
  get left(): number {
    return this.dropped.reduce((sum, isDropped) => sum + 1 - isDropped, 0);
  }

  /** The questions that are left, in the order of the file. */
  async *all(signal?: AbortSignal): AsyncGenerator<NumberedQuestion> {
    for await (const { n, line } of this.#lines(signal)) {
      if (this.dropped[n] === 0) yield { n, question: JSON.parse(line.toString('utf8')) as TextQuestion };
    }
  }

  /** All questions, those that were left out among them. */
  async *everything(signal?: AbortSignal): AsyncGenerator<NumberedQuestion> {
    for await (const { n, line } of this.#lines(signal)) {
      yield { n, question: JSON.parse(line.toString('utf8')) as TextQuestion };
    }
  }

  /** One question by its number. */
  async read(n: number): Promise<TextQuestion> {
    const { offsets } = this.facts;
    const buffer = Buffer.alloc(offsets[n + 1] - offsets[n]);
    try {
      this.#file ??= await open(this.#path);
      await this.#file.read(buffer, 0, buffer.length, offsets[n]);
    } catch (error) {
      throw fileError(error, this.#path);
    }
    return JSON.parse(buffer.toString('utf8')) as TextQuestion;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async *#lines(signal?: AbortSignal): AsyncGenerator<{ n: number; line: Buffer }> {
    const chunks = createReadStream(this.#path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
    try {
      for await (const { bytes, number } of byteLines(chunks, { offset: 0, rows: 0 })) {
        if (number % 256 === 0) throwIfAborted(signal);
        yield { n: number - 1, line: bytes };
      }
    } catch (error) {
      throw fileError(error, this.#path);
    }
  }
}

/** Writes the files of a {@link QuestionSet}, question by question. */
export class QuestionSetWriter {
  readonly #folder: string;
  readonly #file: FileHandle;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #end = 0;
  readonly #offsets: number[] = [0];
  readonly #draws: number[] = [];
  readonly #scores: number[] = [];
  readonly #domains: number[] = [];
  readonly #domainNumbers = new Map<string, number>();

  private constructor(folder: string, file: FileHandle) {
    this.#folder = folder;
    this.#file = file;
  }

  static async create(folder: string): Promise<QuestionSetWriter> {
    const path = join(folder, fileName);
    return new QuestionSetWriter(
      folder,
      await open(path, 'w').catch((error: unknown) => {
        throw fileError(error, path);
      }),
    );
  }

  async add(question: TextQuestion): Promise<void> {
    const { domain, draw, score = 0 } = question;
    const bytes = Buffer.from(`${JSON.stringify(question)}\n`);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    this.#end += bytes.length;
    this.#offsets.push(this.#end);
    this.#draws.push(draw);
    this.#scores.push(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.round(score))));
    const number = this.#domainNumbers.get(domain) ?? this.#domainNumbers.size;
    this.#domainNumbers.set(domain, number);
    this.#domains.push(number);
    if (this.#heldBytes > 1 << 22) await this.#write();
  }

  async finish(): Promise<void> {
    await this.#write();
    await this.close();
    const path = join(this.#folder, 'facts.bin');
    const columns = [
      Float64Array.from(this.#offsets),
      Float64Array.from(this.#draws),
      Int32Array.from(this.#scores),
      Uint16Array.from(this.#domains),
    ];
    const file = await open(path, 'w').catch((error: unknown) => {
      throw fileError(error, path);
    });
    try {
      for (const column of columns) await file.write(Buffer.from(column.buffer));
    } catch (error) {
      throw fileError(error, path);
    } finally {
      await file.close();
    }
    const facts = { count: this.#draws.length, domains: [...this.#domainNumbers.keys()] };
    await writeLines(join(this.#folder, 'facts.json'), [JSON.stringify(facts)]);
  }

  async close(): Promise<void> {
    await this.#file.close().catch(() => undefined);
  }

  async #write(): Promise<void> {
    const bytes = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    try {
      await this.#file.write(bytes);
    } catch (error) {
      throw fileError(error, join(this.#folder, fileName));
    }
  }
}
