import { randomUUID } from 'node:crypto';
import { QuernError } from '../../errors.ts';
import type { BuildProgress, BuildSummary } from './build-work.ts';

/** What a build came to. */
export interface BuiltIndex extends BuildSummary {
  /** Bytes of the whole index. */
  readonly bytes: number;
}

/** A build of an index, as it is now. */
export interface Build {
  readonly id: string;
  readonly index: string;
  readonly corpus: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly progress?: BuildProgress;
  /** What was built, once it is done. */
  readonly summary?: BuiltIndex;
  /** Why it failed: what was thrown, whose own words may name paths and addresses of the service. */
  readonly error?: unknown;
  /** When it was asked for, began and ended: ISO 8601. */
  readonly requested: string;
  readonly started?: string;
  readonly ended?: string;
}

/** Carries out a build. */
export type BuildRun = (options: {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BuildProgress) => void;
}) => Promise<BuiltIndex>;

interface Entry {
  build: Build;
  readonly run: BuildRun;
  readonly stopping: AbortController;
  /** Called at each change. */
  readonly watchers: Set<() => void>;
}

/** As many builds are remembered. */
const kept = 100;
/** Milliseconds between two states that a watcher is given. */
const interval = 250;

/** Builds, one at a time; the others wait in the order in which they were asked for. */
export class Builds {
  readonly #mostWaiting: number;
  readonly #onEnd: (build: Build) => void;
  /** The latest last. */
  readonly #entries = new Map<string, Entry>();
  #running: Promise<void> | undefined;
  #isClosed = false;

  /** `onEnd` is told of each build that has ended. */
  constructor(mostWaiting: number, onEnd: (build: Build) => void = () => undefined) {
    this.#mostWaiting = mostWaiting;
    this.#onEnd = onEnd;
  }

  /** Adds a build. Throws `OVERLOADED` where as many wait as may. */
  add({ index, corpus }: Pick<Build, 'index' | 'corpus'>, run: BuildRun): Build {
    if (this.#isClosed) throw new QuernError('ABORTED', 'the service is being stopped');
    const waiting = this.#all().filter(({ build }) => build.state === 'waiting').length;
    if (this.#running && waiting >= this.#mostWaiting) {
      throw new QuernError('OVERLOADED', `${waiting} builds wait already`, {
        hint: 'Ask again when one is done',
      });
    }
    const build: Build = {
      id: randomUUID(),
      index,
      corpus,
      state: 'waiting',
      requested: new Date().toISOString(),
    };
    this.#entries.set(build.id, { build, run, stopping: new AbortController(), watchers: new Set() });
    this.#forgetOld();
    this.#next();
    return this.get(build.id);
  }

  /** A build. Throws `NOT_FOUND`. */
  get(id: string): Build {
    return this.#entry(id).build;
  }

  /** All that are remembered, the latest first. */
  list(): Build[] {
    return this.#all()
      .map(({ build }) => build)
      .toReversed();
  }

  /** Whether a build that waits or runs is of an index, or of a corpus. */
  has(what: Partial<Pick<Build, 'index' | 'corpus'>>): boolean {
    return this.#all().some(
      ({ build }) =>
        !hasEnded(build) &&
        (what.index === undefined || what.index === build.index) &&
        (what.corpus === undefined || what.corpus === build.corpus),
    );
  }

  /** The indexes that builds which wait or run will make. */
  get indexes(): Set<string> {
    return new Set(this.#all().flatMap(({ build }) => (hasEnded(build) ? [] : build.index)));
  }

  /** Stops a build, and returns it once it has ended; one that has ended stays as it is. Throws `NOT_FOUND`. */
  async cancel(id: string): Promise<Build> {
    const entry = this.#entry(id);
    entry.stopping.abort();
    if (entry.build.state === 'waiting') this.#end(entry, { state: 'cancelled' });
    for await (const build of watched(entry)) if (hasEnded(build)) return build;
    return entry.build;
  }

  /**
   * A build now and as it changes, a few times a second at most, the state in which it ends last. Ends early when `signal` is
   * aborted. Throws `NOT_FOUND`.
   */
  watch(id: string, signal?: AbortSignal): AsyncGenerator<Build, void> {
    return watched(this.#entry(id), signal);
  }

  /** Stops all builds, and waits until they have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#all().map(({ build }) => this.cancel(build.id)));
  }

  #all(): Entry[] {
    return [...this.#entries.values()];
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry) return entry;
    throw new QuernError('NOT_FOUND', 'no such build', {
      hint: `The last ${kept} are remembered, until the service ends`,
    });
  }

  #forgetOld(): void {
    for (const { build } of this.#all()) {
      if (this.#entries.size <= kept) return;
      if (hasEnded(build)) this.#entries.delete(build.id);
    }
  }

  #next(): void {
    if (this.#running) return;
    const entry = this.#all().find(({ build }) => build.state === 'waiting');
    if (!entry) return;
    this.#running = this.#run(entry).then(() => {
      this.#running = undefined;
      this.#next();
    });
  }

  async #run(entry: Entry): Promise<void> {
    this.#change(entry, { state: 'running', started: new Date().toISOString() });
    try {
      const summary = await entry.run({
        signal: entry.stopping.signal,
        onProgress: (progress) => this.#change(entry, { progress }),
      });
      this.#end(entry, { state: 'done', summary });
    } catch (error) {
      const isStopped = entry.stopping.signal.aborted;
      this.#end(entry, isStopped ? { state: 'cancelled' } : { state: 'failed', error });
    }
  }

  #end(entry: Entry, change: Partial<Build>): void {
    this.#change(entry, { ...change, ended: new Date().toISOString() });
    this.#onEnd(entry.build);
  }

  #change(entry: Entry, change: Partial<Build>): void {
    entry.build = { ...entry.build, ...change };
    for (const watcher of entry.watchers) watcher();
  }
}

async function* watched(entry: Entry, signal?: AbortSignal): AsyncGenerator<Build, void> {
  for (;;) {
    if (signal?.aborted) return;
    const { build } = entry;
    yield build;
    if (hasEnded(build)) return;
    await changed(entry, build, signal);
  }
}

/** Waits until a build is no longer as it was seen, and for some time at least unless it has ended. */
function changed(entry: Entry, seen: Build, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    let isDue = false;
    const look = (): void => {
      if (!signal?.aborted && !hasEnded(entry.build) && (!isDue || entry.build === seen)) return;
      clearTimeout(timer);
      entry.watchers.delete(look);
      signal?.removeEventListener('abort', look);
      resolve();
    };
    const timer = setTimeout(() => {
      isDue = true;
      look();
    }, interval);
    entry.watchers.add(look);
    signal?.addEventListener('abort', look);
    look();
  });
}

function hasEnded({ state }: Build): boolean {
  return state !== 'waiting' && state !== 'running';
}
