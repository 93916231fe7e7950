import type { FileHandle } from 'node:fs/promises';
import { QuernError } from '../../errors.ts';
import type { SavedTopicRecord } from '../../evaluate/saved-evaluation.ts';
import { SavedEvaluations } from '../../evaluate/saved-evaluations.ts';
import { inOrder } from '../../in-order.ts';
import { RecentlyUsed } from '../../recently-used.ts';
import { MetricsFile } from '../../train/watch/metrics-file.ts';
import type { MetricsAnswer, SampleAnswer, SampleSteps } from '../../train/watch/wire.ts';
import { sampleSteps, samplesOf, type SampleKind } from '../../train/watch/samples.ts';
import { listedRun } from '../../train/watch/watched-run.ts';
import { foundRuns, type FindingLimits, type RunKind } from './found-runs.ts';
import { KnownFolders, problemOf, readable, type KnownFolder } from './known-folders.ts';
import { evaluationEntry, type EvaluationEntry, type RunEntry } from './run-entry.ts';

type KnownRun = KnownFolder<RunKind>;

/** Runs that are read at a time for a list. */
const readAtOnce = 8;

/** How many runs' metrics are kept; those of another are read from their start. */
const keptMetrics = 16;

/**
 * The runs in the folders that a configuration declares, by ids which are hashes of where they lie. The folders are looked through
 * for each list, and where an id is asked for that is not known yet. What cannot be read is no failure of the service: it throws
 * `NOT_FOUND` for what is not there, and `UNAVAILABLE` for what is damaged or too large.
 */
export class Runs {
  readonly #known: KnownFolders<RunKind>;
  readonly #saved = new SavedEvaluations();
  readonly #metrics = new RecentlyUsed<string, MetricsFile>(keptMetrics);

  constructor(folders: readonly string[], limits: FindingLimits = {}) {
    this.#known = new KnownFolders(() => foundRuns(folders, limits));
  }

  /** All runs, or those of one kind. */
  async list(kind?: RunKind): Promise<{ readonly runs: readonly RunEntry[]; readonly isCut: boolean }> {
    const { folders, isCut } = await this.#known.all();
    const asked = folders.filter((run) => kind === undefined || run.kind === kind);
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
    return readable('the run', metrics.after(after));
  }

  /** The steps of which a training has kept samples. */
  async sampleSteps(id: string): Promise<SampleSteps> {
    const { folder } = await this.#run(id, 'training');
    return readable('the run', sampleSteps(folder));
  }

  /** The samples of a step of a training, or of the validation after it. */
  async samples(id: string, step: number, kind: SampleKind = 'step'): Promise<SampleAnswer> {
    const { folder } = await this.#run(id, 'training');
    const samples = await readable('the run', samplesOf(folder, step, kind));
    if (samples === undefined) throw new QuernError('NOT_FOUND', 'the run has no samples of this step');
    return samples;
  }

  /** Topics of an evaluation: `limit` at most, those before `from` left out. */
  async topics(id: string, from: number, limit: number): ReturnType<SavedEvaluations['topics']> {
    const { folder } = await this.#run(id, 'evaluation');
    return readable('the run', this.#saved.topics(folder, from, limit));
  }

  /** A topic of an evaluation, and the best `k` of its ranking. */
  async topic(id: string, topic: string, k: number): Promise<SavedTopicRecord> {
    const { folder } = await this.#run(id, 'evaluation');
    const found = await readable('the run', this.#saved.topic(folder, topic, k));
    if (found === undefined) throw new QuernError('NOT_FOUND', 'the run has no such topic');
    return found;
  }

  /** The open `run.trec` of an evaluation, which is the caller's to close, and the run's name. */
  async openRun(id: string): Promise<{ readonly file: FileHandle; readonly name: string }> {
    const { folder, name } = await this.#run(id, 'evaluation');
    return { file: await readable('the run', this.#saved.openRun(folder)), name };
  }

  async #run(id: string, kind?: RunKind): Promise<KnownRun> {
    const run = await this.#known.byId(id);
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
}

const of: Readonly<Record<RunKind, string>> = { training: 'one of training', evaluation: 'an evaluation' };
