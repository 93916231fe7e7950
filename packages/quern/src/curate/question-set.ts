import { createReadStream } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import { NewFile } from '../models/new-file.ts';
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
 * Of a question in `facts.bin`: the end of its line and its lot in doubles, its score in 4 bytes, its domain in 2, and 2
 * unused.
 */
const factBytes = 24;
const mostDomains = 65_536;

/**
 * The questions of a run as texts, in a file, and which of them the stages have left. In memory are 22 bytes for each
 * question and one for whether it is left.
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
    const facts: QuestionFacts = {
      offsets: new Float64Array(count + 1),
      draws: new Float64Array(count),
      scores: new Int32Array(count),
      domains: new Uint16Array(count),
    };
    let n = 0;
    for await (const chunk of createReadStream(join(folder, 'facts.bin'), {
      highWaterMark: 4096 * factBytes,
    })) {
      const rows = chunk as Buffer;
      for (let at = 0; at < rows.length; at += factBytes, n++) {
        facts.offsets[n + 1] = rows.readDoubleLE(at);
        facts.draws[n] = rows.readDoubleLE(at + 8);
        facts.scores[n] = rows.readInt32LE(at + 16);
        facts.domains[n] = rows.readUInt16LE(at + 20);
      }
    }
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
  readonly #questions: NewFile;
  readonly #facts: NewFile;
  #count = 0;
  readonly #domainNumbers = new Map<string, number>();

  private constructor(folder: string, questions: NewFile, facts: NewFile) {
    this.#folder = folder;
    this.#questions = questions;
    this.#facts = facts;
  }

  static async create(folder: string): Promise<QuestionSetWriter> {
    const questions = await NewFile.create(join(folder, fileName));
    return new QuestionSetWriter(folder, questions, await NewFile.create(join(folder, 'facts.bin')));
  }

  async add(question: TextQuestion): Promise<void> {
    const { domain, draw, score = 0 } = question;
    await this.#questions.write(Buffer.from(`${JSON.stringify(question)}\n`));
    this.#count++;
    const facts = Buffer.alloc(factBytes);
    facts.writeDoubleLE(this.#questions.bytes, 0);
    facts.writeDoubleLE(draw, 8);
    facts.writeInt32LE(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.round(score))), 16);
    facts.writeUInt16LE(this.#numberOf(domain), 20);
    await this.#facts.write(facts);
  }

  async finish(): Promise<void> {
    await this.#questions.finish();
    await this.#facts.finish();
    const facts = { count: this.#count, domains: [...this.#domainNumbers.keys()] };
    await writeLines(join(this.#folder, 'facts.json'), [JSON.stringify(facts)]);
  }

  /** Removes what was written, unless it is finished. */
  async discard(): Promise<void> {
    await this.#questions.discard();
    await this.#facts.discard();
  }

  #numberOf(domain: string): number {
    const known = this.#domainNumbers.get(domain);
    if (known !== undefined) return known;
    if (this.#domainNumbers.size === mostDomains) {
      throw new QuernError('BAD_INPUT', `more than ${mostDomains} domains`, {
        hint: 'A domain is a site, or a field of such a kind: is another field named domain?',
      });
    }
    this.#domainNumbers.set(domain, this.#domainNumbers.size);
    return this.#domainNumbers.size - 1;
  }
}
