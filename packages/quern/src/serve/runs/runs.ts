import type { FileHandle } from 'node:fs/promises';
import { contentId } from '../../content-id.ts';
import { QuernError } from '../../errors.ts';
import type { SavedTopicRecord } from '../../evaluate/saved-evaluation.ts';
import { SavedEvaluations } from '../../evaluate/saved-evaluations.ts';
import { inOrder } from '../../in-order.ts';
import { RecentlyUsed } from '../../recently-used.ts';
import { MetricsFile } from '../../train/watch/metrics-file.ts';
import type { MetricsAnswer, SampleAnswer, SampleSteps } from '../../train/watch/wire.ts';
import { sampleSteps, samplesOf, type SampleKind } from '../../train/watch/samples.ts';
import { listedRun, runNames } from '../../train/watch/watched-run.ts';
import { foundRuns, type FindingLimits, type RunKind } from './found-runs.ts';
import { evaluationEntry, type EvaluationEntry, type RunEntry } from './run-entry.ts';

/** A run by what requests call it. */
interface KnownRun {
  readonly id: string;
  readonly kind: RunKind;
  readonly name: string;
  readonly folder: string;
}

/** What was found the last time. */
interface Known {
  readonly byId: ReadonlyMap<string, KnownRun>;
  readonly isCut: boolean;
  readonly at: number;
}

/** Runs that are read at a time for a list. */
const readAtOnce = 8;

/** How many runs' metrics are kept; those of another are read from their start. */
const keptMetrics = 16;

/** How long what was found is good enough to say that there is no such run, in milliseconds. */
const patience = 1000;

/**
 * The runs in the folders that a configuration declares, by ids which are hashes of where they lie. The folders are looked through
 * for each list, and where an id is asked for that is not known yet. What cannot be read is no failure of the service: it throws
 * `NOT_FOUND` for what is not there, and `UNAVAILABLE` for what is damaged or too large.
 */
export class Runs {
  readonly #folders: readonly string[];
  readonly #limits: FindingLimits;
  readonly #saved = new SavedEvaluations();
  readonly #metrics = new RecentlyUsed<string, MetricsFile>(keptMetrics);
  #known: Known = { byId: new Map(), isCut: false, at: -Infinity };
  #finding: Promise<Known> | undefined;

  constructor(folders: readonly string[], limits: FindingLimits = {}) {
    this.#folders = folders;
    this.#limits = limits;
  }

  /** All runs, or those of one kind. */
  async list(kind?: RunKind): Promise<{ readonly runs: readonly RunEntry[]; readonly isCut: boolean }> {
    const { byId, isCut } = await this.#found();
    const asked = [...byId.values()].filter((run) => kind === undefined || run.kind === kind);
    const runs: RunEntry[] = [];
    for await (const entry of inOrder(asked, readAtOnce, (run) => this.#entry(run))) runs.push(entry);
    return { runs, isCut };
  }

  /** One run, as it is listed. */
  async entry(id: string): Promise<RunEntry> {
    return this.#entry(await this.#run(id));
  }

  /** The metrics of a training that came after an earlier answer's `after`. */
  async metrics(id: string, after?: string): Promise<MetricsAnswer> {
    const { folder } = await this.#run(id, 'training');
    const metrics = this.#metrics.get(folder) ?? new MetricsFile(folder);
    this.#metrics.set(folder, metrics);
    return readable(metrics.after(after));
  }

  /** The steps of which a training has kept samples. */
  async sampleSteps(id: string): Promise<SampleSteps> {
    const { folder } = await this.#run(id, 'training');
    return readable(sampleSteps(folder));
  }

  /** The samples of a step of a training, or of the validation after it. */
  async samples(id: string, step: number, kind: SampleKind = 'step'): Promise<SampleAnswer> {
    const { folder } = await this.#run(id, 'training');
    const samples = await readable(samplesOf(folder, step, kind));
    if (samples === undefined) throw new QuernError('NOT_FOUND', 'the run has no samples of this step');
    return samples;
  }

  /** Topics of an evaluation: `limit` at most, those before `from` left out. */
  async topics(id: string, from: number, limit: number): ReturnType<SavedEvaluations['topics']> {
    const { folder } = await this.#run(id, 'evaluation');
    return readable(this.#saved.topics(folder, from, limit));
  }

  /** A topic of an evaluation, and the best `k` of its ranking. */
  async topic(id: string, topic: string, k: number): Promise<SavedTopicRecord> {
    const { folder } = await this.#run(id, 'evaluation');
    const found = await readable(this.#saved.topic(folder, topic, k));
    if (found === undefined) throw new QuernError('NOT_FOUND', 'the run has no such topic');
    return found;
  }

  /** The open `run.trec` of an evaluation, which is the caller's to close, and the run's name. */
  async openRun(id: string): Promise<{ readonly file: FileHandle; readonly name: string }> {
    const { folder, name } = await this.#run(id, 'evaluation');
    return { file: await readable(this.#saved.openRun(folder)), name };
  }

  async #run(id: string, kind?: RunKind): Promise<KnownRun> {
    const isOld = performance.now() - this.#known.at > patience;
    const run = this.#known.byId.get(id) ?? (isOld ? (await this.#found()).byId.get(id) : undefined);
    if (run === undefined) throw new QuernError('NOT_FOUND', 'there is no such run');
    if (kind === undefined || run.kind === kind) return run;
    throw new QuernError('NOT_FOUND', `the run is ${of[run.kind]}, and has nothing of this`);
  }

  async #entry(run: KnownRun): Promise<RunEntry> {
    if (run.kind === 'evaluation') return this.#evaluationEntry(run);
    const { id, kind } = run;
    try {
      return { id, kind, ...(await listedRun(run)) };
    } catch {
      return { id, kind, name: run.name, problem: 'it cannot be read' };
    }
  }

  async #evaluationEntry({ id, name, folder }: KnownRun): Promise<EvaluationEntry> {
    try {
      return evaluationEntry(id, name, await this.#saved.head(folder));
    } catch (error) {
      return { id, kind: 'evaluation', name, problem: problemOf(error) };
    }
  }

  /** Looks through the folders; who asks while somebody does is answered with the same. */
  #found(): Promise<Known> {
    this.#finding ??= this.#find().finally(() => (this.#finding = undefined));
    return this.#finding;
  }

  async #find(): Promise<Known> {
    const { runs, isCut } = await foundRuns(this.#folders, this.#limits);
    const names = runNames(runs.map(({ folder }) => folder));
    const known = runs.map((run, i): KnownRun => ({ id: contentId(run.folder), name: names[i]!, ...run }));
    this.#known = { byId: new Map(known.map((run) => [run.id, run])), isCut, at: performance.now() };
    return this.#known;
  }
}

const of: Readonly<Record<RunKind, string>> = { training: 'one of training', evaluation: 'an evaluation' };

/** What is told of an error: what our own readers say of a file, which names no path; of anything else nothing. */
function problemOf(error: unknown): string {
  return error instanceof QuernError ? error.what : 'it cannot be read';
}

async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof QuernError && error.code === 'NOT_FOUND') throw error;
    throw new QuernError('UNAVAILABLE', `the run cannot be read: ${problemOf(error)}`, { cause: error });
  }
}
