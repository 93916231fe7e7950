import type { ListedRun, MetricsAnswer } from '../../../../quern/src/train/watch/wire.ts';
import { ServiceError } from '../../service/service-error.ts';
import { RunSeries } from './run-series.ts';

/** A run of training as the service lists it; one that it cannot read has a problem, and nothing else. */
export type TrainingRun = { readonly id: string; readonly name: string } & (
  ({ readonly problem?: undefined } & ListedRun) | { readonly problem: string }
);

/** What the service is asked. */
export interface RunsAnswers {
  list(signal: AbortSignal): Promise<{ readonly runs: readonly TrainingRun[]; readonly isCut: boolean }>;
  metrics(id: string, after: string, signal: AbortSignal): Promise<MetricsAnswer>;
}

/** What is known of a run whose metrics are read. */
export interface FollowedRun {
  readonly series: RunSeries;
  /** Another one after each change of the series. */
  readonly version: number;
  /** Why its metrics cannot be read. */
  readonly problem?: string;
}

/** What is known now. */
export interface LiveState {
  /** Undefined before the first answer. */
  readonly runs: readonly TrainingRun[] | undefined;
  readonly isCut: boolean;
  readonly followed: ReadonlyMap<string, FollowedRun>;
  /** Why the last try came to nothing, and how long until the next one, in milliseconds. */
  readonly trouble?: { readonly error: Error; readonly pause: number };
}

/** Between two tries while a run goes on, while none does, and at the most after errors, in milliseconds. */
export const pauses = { running: 2000, idle: 15_000, most: 60_000 } as const;

/** A run that says nothing of itself, but wrote so short a time ago, in milliseconds, is about to. */
const fresh = 60_000;

/** Whether a run is expected to tell more. */
export function isGoingOn(run: TrainingRun, now: number = Date.now()): boolean {
  if (run.problem !== undefined) return false;
  if (run.state === undefined) return run.written !== undefined && now - run.written < fresh;
  return run.state.status === 'running' && run.isAlive !== false;
}

/** How long to wait after so many tries in a row that came to nothing. */
export function pauseAfter(failures: number): number {
  return Math.min(pauses.most, pauses.running * 2 ** Math.min(failures - 1, 10));
}

/** Asks again and again which runs there are, and for what is new of the metrics of those that are followed. */
export class LiveRuns {
  state: LiveState = { runs: undefined, isCut: false, followed: new Map() };
  readonly #answers: RunsAnswers;
  readonly #onChange: () => void;
  readonly #stop = new AbortController();
  #chosen: readonly string[] = [];
  #wake: (() => void) | undefined;
  #isAsked = false;

  /** `onChange` is called when the state is another. */
  constructor(answers: RunsAnswers, onChange: () => void) {
    this.#answers = answers;
    this.#onChange = onChange;
  }

  /** Asks until it is stopped. `seen` is awaited before each time: it resolves when somebody looks. */
  async start(seen: () => Promise<void>): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      this.#isAsked = false;
      try {
        await this.#refresh();
        failures = 0;
        this.#change({ trouble: undefined });
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        failures++;
        this.#change({ trouble: { error: error as Error, pause: pauseAfter(failures) } });
      }
      if (!this.#isAsked) await this.#wait(this.#pause());
      await seen();
    }
  }

  /** Follows these runs and no others. */
  follow(ids: readonly string[]): void {
    if (ids.join() === this.#chosen.join()) return;
    this.#chosen = ids;
    this.now();
  }

  /** Asks at once, and not after the pause. */
  now(): void {
    this.#isAsked = true;
    this.#wake?.();
  }

  stop(): void {
    this.#stop.abort();
    this.#wake?.();
  }

  #pause(): number {
    const { trouble, runs = [] } = this.state;
    return trouble?.pause ?? (runs.some((run) => isGoingOn(run)) ? pauses.running : pauses.idle);
  }

  async #refresh(): Promise<void> {
    const { signal } = this.#stop;
    const { runs, isCut } = await this.#answers.list(signal);
    this.#change({ runs, isCut });
    const readable = new Set(runs.filter(({ problem }) => problem === undefined).map(({ id }) => id));
    const chosen = this.#chosen.filter((id) => readable.has(id));
    const read = await Promise.all(chosen.map(async (id) => [id, await this.#readOn(id)] as const));
    const isOther = read.some(([id, run]) => this.state.followed.get(id) !== run);
    if (isOther || read.length !== this.state.followed.size) this.#change({ followed: new Map(read) });
  }

  /** The run with what is new of it; the same object where nothing is. */
  async #readOn(id: string): Promise<FollowedRun> {
    const known = this.state.followed.get(id) ?? { series: new RunSeries(), version: 0 };
    const { series } = known;
    try {
      for (;;) {
        const answer = await this.#answers.metrics(id, series.after, this.#stop.signal);
        series.add(answer);
        if (!answer.more) break;
      }
    } catch (error) {
      // What is wrong with one run is told of that one, and of the others what there is.
      if (!(error instanceof ServiceError) || !['NOT_FOUND', 'UNAVAILABLE'].includes(error.code)) throw error;
      return { series, version: series.version, problem: error.message };
    }
    // What came before a try that came to nothing is new, too: nothing was told of it then.
    const { version } = series;
    return version === known.version && known.problem === undefined ? known : { series, version };
  }

  #change(change: { readonly [K in keyof LiveState]?: LiveState[K] | undefined }): void {
    if (this.#stop.signal.aborted) return;
    this.state = { ...this.state, ...change } as LiveState;
    this.#onChange();
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#stop.signal.aborted) this.#wake();
    });
  }
}

/** Resolves when the page can be seen, which may be at once. */
export async function inView(): Promise<void> {
  while (document.hidden) {
    await new Promise((done) => document.addEventListener('visibilitychange', done, { once: true }));
  }
}
