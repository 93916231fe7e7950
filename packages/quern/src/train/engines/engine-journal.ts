/** What an engine logs and writes, taken over into the run's folder: metrics, samples, checkpoints. */
import { copyFile, link, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QuernError } from '../../errors.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { MetricsLine } from '../metrics.ts';
import type { RunFolder, TrainerState } from '../run-folder.ts';
import type { Engine, EngineCheckpoint, EngineLine } from './engine.ts';

/** How much of a log is read at a time, and the longest line of one, in bytes. */
const blockSize = 1 << 20;
const longestLine = 1 << 20;

/** What was taken over at a time. */
export interface TakenOver {
  readonly lines: readonly MetricsLine[];
  /** Folders of checkpoints in the run's. */
  readonly checkpoints: readonly string[];
  /** A step whose loss is no number or beyond `max_loss`. */
  readonly diverged?: { readonly step: number; readonly loss: number };
}

/** What a Hugging Face folder consists of; what an engine keeps beside it to go on is left. */
const modelFiles = [
  /^(?:config|generation_config|adapter_config|added_tokens|special_tokens_map|vocab)\.json$/,
  /^tokenizer(?:_config)?\.json$/,
  /^(?:merges\.txt|chat_template\.jinja)$/,
  /^model(?:-\d+-of-\d+)?\.safetensors$/,
  /^model\.safetensors\.index\.json$/,
  /^adapter_model\.safetensors$/,
];

/**
 * Follows a job's log, from its beginning. The log is only ever added to, by one attempt after another; an attempt that goes on
 * from a step makes the later ones anew, and what was told of those before is forgotten. So the run's metrics can be made of the
 * log at any time, and a kill of this process loses nothing.
 */
export class EngineJournal {
  readonly #engine: Engine;
  /** The job's folder. */
  readonly #job: string;
  readonly #folder: RunFolder;
  readonly #config: TrainConfig;
  readonly #data: string;
  #offset = 0;
  #rest = Buffer.alloc(0);
  #lines: (MetricsLine & { readonly kind: 'train' })[] = [];
  /** Whether the run's metrics were compared with the log. */
  #isCompared = false;

  constructor(
    engine: Engine,
    parts: {
      readonly job: string;
      readonly folder: RunFolder;
      readonly config: TrainConfig;
      readonly data: string;
    },
  ) {
    this.#engine = engine;
    this.#job = parts.job;
    this.#folder = parts.folder;
    this.#config = parts.config;
    this.#data = parts.data;
  }

  /** The last step that was logged. */
  get step(): number {
    return this.#lines.at(-1)?.step ?? 0;
  }

  /** Takes over what is new. Throws what reading and writing throw. */
  async takeOver(): Promise<TakenOver> {
    const before = this.#lines.length;
    let kept = before;
    let diverged: TakenOver['diverged'];
    for (const line of await this.#newLines()) {
      // The log is another program's.
      if (!Number.isSafeInteger(line.step) || line.step < 0) continue;
      while ((this.#lines.at(-1)?.step ?? 0) > line.step) this.#lines.pop();
      kept = Math.min(kept, this.#lines.length);
      const isTold = this.#lines.at(-1)?.step === line.step;
      if (Object.keys(line.metrics).length === 0 || isTold) continue;
      const { loss } = line.metrics;
      if (loss !== undefined && !(Math.abs(loss) <= (this.#config.max_loss ?? Number.MAX_VALUE))) {
        diverged ??= { step: line.step, loss };
      }
      this.#lines.push(lineOf(line, this.#lines.at(-1)));
    }
    if (!this.#isCompared) {
      // The file may have more or less than the log, where a process was killed, and times of its own.
      const written = await this.#folder.metrics();
      kept = 0;
      while (kept < this.#lines.length && written[kept]?.step === this.#lines[kept].step) kept += 1;
      if (written.length > kept) await this.#rewind(kept);
      this.#isCompared = true;
    } else if (kept < before) await this.#rewind(kept);
    const lines = this.#lines.slice(kept);
    for (const line of lines) await this.#folder.addMetrics(line);
    await this.#takeSamples();
    return { lines, checkpoints: await this.#takeCheckpoints(), ...(diverged && { diverged }) };
  }

  async #rewind(kept: number): Promise<void> {
    await this.#folder.rewind(kept === 0 ? 0 : this.#lines[kept - 1].step);
  }

  async #newLines(): Promise<EngineLine[]> {
    const path = join(this.#job, this.#engine.log);
    const lines: EngineLine[] = [];
    try {
      const file = await open(path, 'r');
      try {
        const block = Buffer.alloc(blockSize);
        for (;;) {
          const { bytesRead } = await file.read(block, 0, blockSize, this.#offset);
          if (bytesRead === 0) return lines;
          this.#offset += bytesRead;
          const bytes = Buffer.concat([this.#rest, block.subarray(0, bytesRead)]);
          const end = bytes.lastIndexOf(0x0a) + 1;
          // What is longer is no line of a log: its end alone is kept, which says nothing.
          this.#rest = Buffer.from(bytes.subarray(Math.max(end, bytes.length - longestLine)));
          for (const text of bytes.subarray(0, end).toString('utf8').split('\n')) {
            const line = this.#engine.lineOf(text, this.#config);
            if (line !== undefined) lines.push(line);
          }
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw fileError(error, path);
    }
  }

  async #takeSamples(): Promise<void> {
    const { log_completions_steps: every, max_steps: most } = this.#config;
    for (const { step, path, records } of (await this.#engine.samples?.(this.#job, this.#config)) ?? []) {
      const isDue = every > 0 && (step % every === 0 || step === most);
      if (isDue && step <= this.step) await this.#folder.addSamples(step, await records());
      if (step <= this.step) await rm(path, { force: true });
    }
  }

  /** Adds a checkpoint, unless its engine takes it away meanwhile. Returns whether it was added. */
  async #take(checkpoint: EngineCheckpoint, state: TrainerState): Promise<boolean> {
    const isThere = async (): Promise<boolean> =>
      (await this.#engine.checkpoints(this.#job, this.#config)).some(({ step }) => step === checkpoint.step);
    try {
      await this.#folder.addCheckpoint(state, async (to) => {
        await linked(checkpoint, to);
        if (!(await isThere()))
          throw new QuernError('NOT_FOUND', 'was taken away', { where: checkpoint.folder });
      });
      return true;
    } catch (error) {
      if (await isThere()) throw error;
      return false;
    }
  }

  async #takeCheckpoints(): Promise<string[]> {
    // An engine may keep more of them than the run does.
    const last = (await this.#folder.checkpoints()).at(-1) ?? 0;
    const taken: string[] = [];
    for (const checkpoint of await this.#engine.checkpoints(this.#job, this.#config)) {
      if (checkpoint.step <= last || checkpoint.step > this.step) continue;
      const line = this.#lines.find(({ step }) => step === checkpoint.step);
      const tokens = Number(line?.['num_tokens'] ?? 0);
      const state = { step: checkpoint.step, tokens, data: this.#data };
      const isTaken = await this.#take(checkpoint, state);
      if (!isTaken) continue;
      taken.push(this.#folder.checkpoint(checkpoint.step));
    }
    if (taken.length > 0) await this.#folder.keepCheckpoints(this.#config.save_total_limit, undefined);
    return taken.filter((path) => path === this.#folder.checkpoint(this.step) || taken.length === 1);
  }
}

function lineOf(
  { step, metrics, tokens }: EngineLine,
  before: MetricsLine | undefined,
): MetricsLine & { readonly kind: 'train' } {
  return {
    kind: 'train',
    step,
    ...metrics,
    ...(tokens !== undefined && { num_tokens: Number(before?.['num_tokens'] ?? 0) + tokens }),
  };
}

/** The model of a checkpoint in another folder, without a second copy where the file system can do that. */
async function linked({ model }: EngineCheckpoint, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(model, { withFileTypes: true })) {
    const { name } = entry;
    // A link may lead anywhere.
    if (!entry.isFile() || !modelFiles.some((form) => form.test(name))) continue;
    await link(join(model, name), join(to, name)).catch(() => copyFile(join(model, name), join(to, name)));
  }
}
