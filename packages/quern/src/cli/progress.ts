import { SingleBar } from 'cli-progress';

/** A progress bar on stderr; nothing where stderr is not a terminal. */
export interface Progress {
  /** Says how far it is. */
  update(done: number): void;
  /** Removes the bar. */
  stop(): void;
}

/** Starts a progress bar for `total` steps of `what`. */
export function startProgress(what: string, total: number): Progress {
  if (!process.stderr.isTTY || total <= 0) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: `${what} {bar} {percentage}% | {eta_formatted} left`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 200,
  });
  bar.start(total, 0);
  return { update: (done) => bar.update(Math.min(done, total)), stop: () => bar.stop() };
}
