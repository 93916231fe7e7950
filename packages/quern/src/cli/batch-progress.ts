import { SingleBar } from 'cli-progress';
import type { ServerStanding } from '../models/openai/server-pool.ts';
import { note } from './output.ts';

/** How often a line says how far a batch is where stderr is no terminal, in milliseconds. */
const lineEvery = 30_000;

/** How far a batch is. */
export interface BatchProgress {
  /** Counts a call that ended, with the tokens that were generated for it. */
  add(call: { readonly tokens: number; readonly isFailed: boolean }): void;
  stop(): void;
}

/**
 * Shows on stderr how far a batch is: calls, calls a second and tokens a second of this run, of several servers how many are in
 * the pool, and failures. A bar on a terminal; elsewhere a line every half minute.
 */
export function startBatchProgress(
  total: number,
  resumed: number,
  servers: () => readonly ServerStanding[] | undefined,
): BatchProgress {
  const tally = new Tally(total, resumed, servers);
  return process.stderr.isTTY ? barOf(tally, total) : linesOf(tally);
}

/** Clears what a bar has drawn on the line, so that a note can stand there. */
export function noteOverBar(line: string): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  note(line);
}

/** What a batch has done since it began. */
export class Tally {
  done: number;
  readonly #total: number;
  readonly #resumed: number;
  readonly #servers: () => readonly ServerStanding[] | undefined;
  readonly #now: () => number;
  readonly #started: number;
  #tokens = 0;
  #failed = 0;

  constructor(
    total: number,
    resumed: number,
    servers: () => readonly ServerStanding[] | undefined,
    now = (): number => performance.now(),
  ) {
    this.#total = total;
    this.#resumed = resumed;
    this.done = resumed;
    this.#servers = servers;
    this.#now = now;
    this.#started = now();
  }

  add({ tokens, isFailed }: { readonly tokens: number; readonly isFailed: boolean }): void {
    this.done++;
    this.#tokens += tokens;
    if (isFailed) this.#failed++;
  }

  /** How far it is, on one line. */
  get line(): string {
    return `${this.done} of ${this.#total}: ${this.text}`;
  }

  /** Rates, servers and failures, in words. */
  get text(): string {
    const seconds = Math.max((this.#now() - this.#started) / 1000, 0.001);
    const calls = (this.done - this.#resumed) / seconds;
    const servers = this.#servers();
    const within = servers?.filter(({ state }) => state === 'in').length;
    const parts = [
      `${calls.toFixed(1)} questions/s`,
      ...(this.#tokens > 0 ? [`${(this.#tokens / seconds).toFixed(1)} tokens/s`] : []),
      ...(servers ? [`${within} of ${servers.length} servers`] : []),
      ...(this.#failed > 0 ? [`${this.#failed} failed`] : []),
      ...(calls > 0 ? [`${timeText((this.#total - this.done) / calls)} left`] : []),
    ];
    return parts.join(', ');
  }
}

/** Seconds as a person says them. */
function timeText(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 100) return `${seconds.toFixed(0)} s`;
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function barOf(tally: Tally, total: number): BatchProgress {
  const bar = new SingleBar({
    format: 'reasoning {bar} {value}/{total} | {text}',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  });
  bar.start(total, tally.done, { text: tally.text });
  return {
    add(call) {
      tally.add(call);
      bar.update(tally.done, { text: tally.text });
    },
    stop: () => bar.stop(),
  };
}

function linesOf(tally: Tally): BatchProgress {
  const timer = setInterval(() => note(`quern: ${tally.line}`), lineEvery);
  timer.unref();
  return { add: (call) => tally.add(call), stop: () => clearInterval(timer) };
}
