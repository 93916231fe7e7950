import { randomInt } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { MetricsAnswer, MetricsLine } from './wire.ts';
import { openInside } from '../../inside-folder.ts';
import { ThinnedLines } from './thinned-lines.ts';

/** How much of a run is kept and sent. */
export interface MetricsLimits {
  /** The most lines of training that are kept: of more, every second, fourth, … one is. Default 20,000. */
  readonly lines?: number;
  /** The most lines of an answer. Default 2,000. */
  readonly answered?: number;
}

const chunkBytes = 1 << 20;
/** So many bytes before the place that was read to tell whether a file is still the same. */
const tailBytes = 512;
const mostNames = 500;
const mostNameLength = 200;

/**
 * The metrics of a run, read as they are written: each time what was appended since, up to the last line that is whole. A file
 * that was rewritten, as a resumed run does, is read from its start; one that is not there yet has no lines.
 */
export class MetricsFile {
  readonly #folder: string;
  readonly #train: ThinnedLines<MetricsLine>;
  readonly #eval: ThinnedLines<MetricsLine>;
  readonly #answered: number;
  /** Another whenever a page has to forget what it has; not from zero, as pages outlive servers. */
  #edition = randomInt(2 ** 47);
  #inode = 0n;
  #offset = 0;
  #tail = Buffer.alloc(0);
  /** Within a line that is longer than any can be. */
  #isSkipping = false;
  #unreadable = 0;
  #reading: Promise<void> | undefined;

  /** Of the run in a folder, given as its real path. */
  constructor(folder: string, { lines = 20_000, answered = 2000 }: MetricsLimits = {}) {
    this.#folder = folder;
    this.#train = new ThinnedLines(lines);
    this.#eval = new ThinnedLines(lines);
    this.#answered = answered;
  }

  /** What came after an earlier answer's `after`; all from the start where that is of another file, or none. */
  async after(position = ''): Promise<MetricsAnswer> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    await this.#reading;
    const known = this.#known(position);
    const [train, evaluated] = known ?? [0, 0];
    const trained = this.#train.lines.slice(train, train + this.#answered);
    const rest = this.#answered - trained.length;
    const validated = this.#eval.lines.slice(evaluated, evaluated + rest);
    const next = [train + trained.length, evaluated + validated.length] as const;
    return {
      after: [this.#edition, ...next].join('-'),
      isStart: known === undefined,
      more: next[0] < this.#train.lines.length || next[1] < this.#eval.lines.length,
      stride: this.#train.stride,
      unreadable: this.#unreadable,
      lines: [...trained, ...validated],
    };
  }

  #known(position: string): readonly [number, number] | undefined {
    const [, edition, train, evaluated] = /^(\d{1,16})-(\d{1,9})-(\d{1,9})$/.exec(position) ?? [];
    if (Number(edition) !== this.#edition) return undefined;
    return [Number(train), Number(evaluated)];
  }

  async #read(): Promise<void> {
    const file = await openInside(this.#folder, 'metrics.jsonl');
    if (file === undefined) {
      if (this.#offset > 0) this.#restart(0n);
      return;
    }
    try {
      const { ino } = await file.stat({ bigint: true });
      if (ino !== this.#inode || !(await this.#isContinued(file))) this.#restart(ino);
      await this.#readOn(file);
    } finally {
      await file.close();
    }
  }

  #restart(inode: bigint): void {
    this.#edition++;
    this.#inode = inode;
    this.#offset = 0;
    this.#tail = Buffer.alloc(0);
    this.#isSkipping = false;
    this.#unreadable = 0;
    this.#train.clear();
    this.#eval.clear();
  }

  /** Whether what was read last still stands where it stood. */
  async #isContinued(file: FileHandle): Promise<boolean> {
    const { length } = this.#tail;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, this.#offset - length);
    return bytesRead === length && buffer.equals(this.#tail);
  }

  async #readOn(file: FileHandle): Promise<void> {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, this.#offset);
      const end = chunk.subarray(0, bytesRead).lastIndexOf('\n') + 1;
      // The last line is being written.
      if (end === 0 && bytesRead < chunkBytes) return;
      const block = chunk.subarray(0, end || bytesRead);
      if (end === 0) {
        if (!this.#isSkipping) this.#unreadable++;
        this.#isSkipping = true;
      } else {
        const lines = block
          .toString('utf8')
          .split('\n')
          .slice(this.#isSkipping ? 1 : 0, -1);
        this.#isSkipping = false;
        for (const line of lines) this.#add(line);
      }
      this.#offset += block.length;
      this.#tail = Buffer.from(block.subarray(-tailBytes));
    }
  }

  #add(text: string): void {
    if (text.trim() === '') return;
    const line = metricsLine(text);
    if (line === undefined) this.#unreadable++;
    else if ((line.kind === 'train' ? this.#train : this.#eval).add(line)) this.#edition++;
  }
}

/** What a line of metrics says; undefined where it is none. */
function metricsLine(text: string): MetricsLine | undefined {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, step, time, ...rest } = value as Record<string, unknown>;
  if ((kind !== 'train' && kind !== 'eval') || !Number.isSafeInteger(step)) return undefined;
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  const values = Object.entries(rest)
    .filter(([name, of]) => Number.isFinite(of) && name.length <= mostNameLength)
    .slice(0, mostNames) as [string, number][];
  const notFinite = Object.entries(rest).flatMap(([name, of]) =>
    isNotFinite(of) && name.length <= mostNameLength ? [name] : [],
  );
  return {
    kind,
    step: step as number,
    ...(!Number.isNaN(at) && { time: at }),
    values: Object.fromEntries(values),
    ...(notFinite.length > 0 && { notFinite: notFinite.slice(0, mostNames) }),
  };
}

/** A line as JSON, or as Python writes it: with `NaN` and `Infinity`, which are no JSON and come to be null. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Tried once more below.
  }
  try {
    return JSON.parse(text.replaceAll(/:\s*(?:NaN|-?Infinity)(?=\s*[,}])/g, ':null'));
  } catch {
    return undefined;
  }
}

/** Whether a value stands for a number that is none: JSON has null for it, or its name as a text. */
function isNotFinite(value: unknown): boolean {
  return value === null || (typeof value === 'string' && /^(?:NaN|[+-]?Infinity)$/.test(value));
}
