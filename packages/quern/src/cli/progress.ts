import { SingleBar } from 'cli-progress';
import { silentWork, type Work } from '../work.ts';

/** Starts a progress bar on stderr for `total` steps of `what`; nothing where stderr is not a terminal. */
export function startProgress(what: string, total: number): Work {
  if (!process.stderr.isTTY || total <= 0) return silentWork;
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
