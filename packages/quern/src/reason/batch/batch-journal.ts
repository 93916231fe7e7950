import { isUtf8 } from 'node:buffer';
import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { fileError, QuernError } from '../../errors.ts';
import type { ReasonedRecord } from '../reasoned-record.ts';
import { isRecordOf, type BatchCalls } from './batch-calls.ts';

/** What one call of a batch came to: the sample of the query at a position. */
export interface JournalEntry {
  readonly position: number;
  readonly sample: number;
  readonly reasoned: ReasonedRecord;
}

/** How often what was written is forced to the disk, in milliseconds: a kill loses nothing, a power cut at most that. */
const syncEvery = 500;

const lineFeed = 0x0a;

/**
 * What a batch has done so far, in a file beside its final one: a line that says which batch it is, and a line an entry. A
 * batch that is begun again reads it, drops what a kill or a power cut damaged at its end, and goes on. It has one writer,
 * who holds the batch's lock.
 */
export class BatchJournal {
  /** What was done before, call → record. Of what was asked again after a failure, the later counts. */
  readonly done: ReadonlyMap<number, ReasonedRecord>;
  readonly #path: string;
  readonly #file: FileHandle;
  #isEmpty: boolean;
  #synced = performance.now();

  private constructor(path: string, file: FileHandle, done: ReadonlyMap<number, ReasonedRecord>) {
    this.#path = path;
    this.#file = file;
    this.done = done;
    this.#isEmpty = done.size === 0;
  }

  /**
   * Opens or begins the journal at `path`. Throws `ALREADY_EXISTS` where it is of another batch, or no journal, and
   * `CORRUPT_FILE` at `file:line` for damage that whole entries follow.
   */
  static async open(path: string, calls: BatchCalls): Promise<BatchJournal> {
    const head = `${JSON.stringify({ quern: 'batch', version: 1, batch: calls.identity })}\n`;
    try {
      const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return Buffer.alloc(0);
        throw error;
      });
      const begun = bytes.subarray(0, head.length).equals(Buffer.from(head));
      if (!begun && !head.startsWith(bytes.toString('latin1'))) {
        throw new QuernError('ALREADY_EXISTS', 'is what is left of another batch', {
          where: path,
          hint: 'Give the same reasoner, settings and queries to go on with it, or delete it',
        });
      }
      const { done, wholeBytes } = entriesOf(bytes, head.length, calls, path);
      const file = await open(path, 'a', 0o600);
      try {
        await file.truncate(begun ? wholeBytes : 0);
        if (!begun) {
          await file.appendFile(head);
          await file.datasync();
        }
      } catch (error) {
        await file.close();
        throw error;
      }
      return new BatchJournal(path, file, done);
    } catch (error) {
      throw fileError(error, path);
    }
  }

  /** Adds an entry, after the one before is added. */
  async add(entry: JournalEntry): Promise<void> {
    try {
      this.#isEmpty = false;
      await this.#file.appendFile(`${JSON.stringify(entry)}\n`);
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
}

/** The entries after the head, up to the first damaged one, and where that begins. Throws where whole ones follow it. */
function entriesOf(
  bytes: Buffer,
  headBytes: number,
  calls: BatchCalls,
  path: string,
): { done: Map<number, ReasonedRecord>; wholeBytes: number } {
  const done = new Map<number, ReasonedRecord>();
  let wholeBytes = headBytes;
  let damaged: number | undefined;
  let start = headBytes;
  for (let line = 2; ; line++) {
    const end = bytes.indexOf(lineFeed, start);
    if (end === -1) return { done, wholeBytes };
    const entry = parsedEntry(bytes.subarray(start, end), calls);
    start = end + 1;
    const call = entry && entry.position * calls.samples + entry.sample;
    const before = call === undefined ? undefined : done.get(call);
    // Only what failed is asked again.
    if (call === undefined || (before && before.finish !== 'failed')) damaged ??= line;
    else if (damaged === undefined) {
      done.set(call, entry!.reasoned);
      wholeBytes = start;
    } else {
      throw new QuernError('CORRUPT_FILE', 'is no entry of this batch, though entries follow it', {
        where: `${path}:${damaged}`,
        hint: 'Delete this line to have it asked again, or the file to begin anew',
      });
    }
  }
}

/** The entry of a line, undefined where it is none of these calls. */
function parsedEntry(line: Buffer, { queries, samples }: BatchCalls): JournalEntry | undefined {
  if (!isUtf8(line)) return undefined;
  let entry: Partial<JournalEntry> | null;
  try {
    entry = JSON.parse(line.toString('utf8')) as Partial<JournalEntry> | null;
  } catch {
    return undefined;
  }
  const { position, sample, reasoned } = entry ?? {};
  if (!isBelow(position, queries.length) || !isBelow(sample, samples)) return undefined;
  return isRecordOf(queries[position].query, reasoned) ? { position, sample, reasoned } : undefined;
}

function isBelow(value: unknown, limit: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit;
}
