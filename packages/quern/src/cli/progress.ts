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

/** A bar of the calls of a batch, with the tokens a second since it began. */
export function startBatchProgress(total: number): {
  update(done: number, tokens: number): void;
  stop(): void;
} {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: 'reasoning {bar} {value}/{total} | {rate} tokens/s | {eta_formatted} left',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 50,
  });
  const started = performance.now();
  let sum = 0;
  bar.start(total, 0, { rate: '0.0' });
  return {
    update(done, tokens) {
      sum += tokens;
      bar.update(done, { rate: ((sum / (performance.now() - started)) * 1000).toFixed(1) });
    },
    stop: () => bar.stop(),
  };
}
