import { isUtf8 } from 'node:buffer';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { LineSplitter } from '../../collections/line-splitter.ts';
import { fileError, QuernError } from '../../errors.ts';
import type { ReasonedRecord } from '../reasoned-record.ts';
import { isRecord, type BatchCalls } from './batch-calls.ts';
import { BlockReader } from './block-reader.ts';

/** What one call of a batch came to: the sample of the query at a position. */
export interface JournalEntry {
  readonly position: number;
  readonly sample: number;
  readonly reasoned: ReasonedRecord;
}

/** How often what was written is forced to the disk, in milliseconds: a kill loses nothing, a power cut at most that. */
const syncEvery = 500;

/** Where no entry begins: the journal's first line is no entry. */
const nowhere = 0;

/**
 * What a batch has done so far, in a file beside its final one: a line that says which batch it is, and a line an entry. A
 * batch that is begun again reads it, drops what a kill or a power cut damaged at its end, and goes on. It has one writer,
 * who holds the batch's lock. In memory is kept where the entry of each call lies, 9 bytes a call.
 */
export class BatchJournal {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #calls: BatchCalls;
  /** Where the last entry of each call begins. */
  readonly #starts: Float64Array;
  /** Whether that entry is a failure. */
  readonly #failed: Uint8Array;
  #end = 0;
  #synced = performance.now();
  #isEmpty = true;

  private constructor(path: string, file: FileHandle, calls: BatchCalls) {
    this.#path = path;
    this.#file = file;
    this.#calls = calls;
    this.#starts = new Float64Array(calls.total).fill(nowhere);
    this.#failed = new Uint8Array(calls.total);
  }

  /**
   * Opens or begins the journal at `path`. Throws `ALREADY_EXISTS` where it is of another batch, or no journal, and
   * `CORRUPT_FILE` at `file:line` for damage that whole entries follow.
   */
  static async open(path: string, calls: BatchCalls): Promise<BatchJournal> {
    const head = `${JSON.stringify({ quern: 'batch', version: 1, batch: calls.identity })}\n`;
    try {
      const file = await open(path, 'a+', 0o600);
      try {
        const journal = new BatchJournal(path, file, calls);
        await journal.#read(head);
        return journal;
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      throw fileError(error, path);
    }
  }

  /** Whether a call was made that did not fail. */
  isDone(call: number): boolean {
    return this.#starts[call] !== nowhere && this.#failed[call] === 0;
  }

  /** What a call came to the last time, or undefined where it was not made. */
  async record(call: number, reader: BlockReader): Promise<ReasonedRecord | undefined> {
    const start = this.#starts[call];
    if (start === nowhere) return undefined;
    const { reasoned } = JSON.parse((await reader.line(start)).toString('utf8')) as JournalEntry;
    return reasoned;
  }

  /** What reads the records; entries that are added later are not seen by it. */
  reader(): BlockReader {
    return new BlockReader(this.#file);
  }

  /** Adds an entry, after the one before is added. */
  async add(entry: JournalEntry): Promise<void> {
    try {
      this.#isEmpty = false;
      const line = Buffer.from(`${JSON.stringify(entry)}\n`);
      await this.#file.appendFile(line);
      this.#note(entry, this.#end);
      this.#end += line.length;
      if (performance.now() - this.#synced < syncEvery) return;
      await this.#file.datasync();
      this.#synced = performance.now();
    } catch (error) {
      throw fileError(error, this.#path);
    }
  }

  /** Closes it; one without an entry is removed. */
  async close(): Promise<void> {
    if (this.#isEmpty) await this.remove();
    else await this.#file.close();
  }

  /** Closes it and removes the file: what it holds is elsewhere. */
  async remove(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  #note({ position, sample, reasoned }: JournalEntry, start: number): void {
    const call = position * this.#calls.samples + sample;
    this.#starts[call] = start;
    this.#failed[call] = reasoned.finish === 'failed' ? 1 : 0;
  }

  /** Reads the entries up to the first damaged one, and cuts that off. Throws where whole ones follow it. */
  async #read(head: string): Promise<void> {
    const splitter = new LineSplitter();
    let line = 0;
    let start = 0;
    let damaged: number | undefined;
    for await (const bytes of this.#linesBy(splitter)) {
      const after = start + bytes.length + 1;
      if (++line === 1) {
        if (!bytes.equals(Buffer.from(head.trimEnd()))) throw this.#foreign();
        this.#end = after;
      } else {
        const entry = parsedEntry(bytes, this.#calls);
        // Only what failed is asked again.
        if (!entry || this.isDone(entry.position * this.#calls.samples + entry.sample)) damaged ??= line;
        else if (damaged !== undefined) throw this.#damaged(damaged);
        else {
          this.#note(entry, start);
          this.#isEmpty = false;
          this.#end = after;
        }
      }
      start = after;
    }
    if (line > 0) return this.#file.truncate(this.#end);
    const rest = splitter.end()?.toString('latin1') ?? '';
    if (!head.startsWith(rest)) throw this.#foreign();
    await this.#file.truncate(0);
    await this.#file.appendFile(head);
    await this.#file.datasync();
    this.#end = head.length;
  }

  async *#linesBy(splitter: LineSplitter): AsyncGenerator<Buffer> {
    const chunk = 1024 * 1024;
    for (let at = 0; ;) {
      // A line may be kept for long: each chunk has memory of its own.
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(chunk), 0, chunk, at);
      if (bytesRead === 0) return;
      yield* splitter.lines(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  }

  #foreign(): QuernError {
    return new QuernError('ALREADY_EXISTS', 'is what is left of another batch', {
      where: this.#path,
      hint: 'Give the same reasoner, settings and queries to go on with it, or delete it',
    });
  }

  #damaged(line: number): QuernError {
    return new QuernError('CORRUPT_FILE', 'is no entry of this batch, though entries follow it', {
      where: `${this.#path}:${line}`,
      hint: 'Delete this line to have it asked again, or the file to begin anew',
    });
  }
}

/** The entry of a line, undefined where it is none of these calls. */
function parsedEntry(line: Buffer, calls: BatchCalls): JournalEntry | undefined {
  if (!isUtf8(line)) return undefined;
  let entry: Partial<JournalEntry> | null;
  try {
    entry = JSON.parse(line.toString('utf8')) as Partial<JournalEntry> | null;
  } catch {
    return undefined;
  }
  const { position, sample, reasoned } = entry ?? {};
  if (!isBelow(position, calls.queries) || !isBelow(sample, calls.samples)) return undefined;
  if (!isRecord(reasoned) || !calls.isAt(position, reasoned.query)) return undefined;
  return { position, sample, reasoned };
}

function isBelow(value: unknown, limit: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit;
}
