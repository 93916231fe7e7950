import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { fileError, QuernError } from '../../errors.ts';
import type { ReasonedRecord } from '../reasoned-record.ts';

/** What one call of a batch came to: the sample of the query at a position. */
export interface JournalEntry {
  readonly position: number;
  readonly sample: number;
  readonly reasoned: ReasonedRecord;
}

/** How often what was written is forced to the disk, in milliseconds: a kill loses nothing, a power cut at most that. */
const syncEvery = 500;

/**
 * What a batch has done so far, in a file beside its final one: a line that says which batch it is, and a line an entry. A
 * batch that is begun again reads it, drops a line that a kill cut short, and goes on.
 */
export class BatchJournal {
  /** What was done before, in the order in which it ended. */
  readonly entries: readonly JournalEntry[];
  readonly #path: string;
  readonly #file: FileHandle;
  #synced = performance.now();

  private constructor(path: string, file: FileHandle, entries: readonly JournalEntry[]) {
    this.#path = path;
    this.#file = file;
    this.entries = entries;
  }

  /**
   * Opens or begins the journal at `path`; `batch` says all that its entries depend on. Throws `ALREADY_EXISTS` where it
   * is of another batch, or no journal.
   */
  static async open(path: string, batch: string): Promise<BatchJournal> {
    const head = `${JSON.stringify({ quern: 'batch', version: 1, batch })}\n`;
    try {
      const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return Buffer.alloc(0);
        throw error;
      });
      const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
      const lines = whole.toString('utf8').split('\n').slice(0, -1);
      const begun = lines.length > 0;
      if ((begun && `${lines[0]}\n` !== head) || (!begun && !head.startsWith(bytes.toString('utf8')))) {
        throw new QuernError('ALREADY_EXISTS', 'is what is left of another batch', {
          where: path,
          hint: 'Give the same reasoner, settings and queries to go on with it, or delete it',
        });
      }
      const entries = lines.slice(1).map((line, i) => parsedEntry(line, `${path}:${i + 2}`));
      const file = await open(path, begun ? 'r+' : 'w', 0o600);
      await file.truncate(whole.length);
      if (!begun) await file.write(head, 0);
      return new BatchJournal(path, file, entries);
    } catch (error) {
      throw fileError(error, path);
    }
  }

  async add(entry: JournalEntry): Promise<void> {
    try {
      const { size } = await this.#file.stat();
      await this.#file.write(`${JSON.stringify(entry)}\n`, size);
      if (performance.now() - this.#synced < syncEvery) return;
      await this.#file.datasync();
      this.#synced = performance.now();
    } catch (error) {
      throw fileError(error, this.#path);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Closes it and removes the file: what it holds is elsewhere. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true });
  }
}

function parsedEntry(line: string, where: string): JournalEntry {
  try {
    const entry = JSON.parse(line) as JournalEntry;
    if (Number.isSafeInteger(entry.position) && typeof entry.reasoned.text === 'string') return entry;
  } catch {
    // Told below.
  }
  throw new QuernError('CORRUPT_FILE', 'is no entry of a batch', {
    where,
    hint: 'Delete the file to begin anew',
  });
}
