import type { ListedRun, MetricsAnswer, SampleAnswer, SampleSteps } from './wire.ts';

/** A run's number, which stands for its folder. */
type Run = number;

export function askRuns(): Promise<{ readonly runs: readonly ListedRun[] }> {
  return ask('/api/runs');
}

export function askMetrics(run: Run, after: string): Promise<MetricsAnswer> {
  return ask(`/api/runs/${run}/metrics?after=${encodeURIComponent(after)}`);
}

export function askSampleSteps(run: Run): Promise<SampleSteps> {
  return ask(`/api/runs/${run}/samples`);
}

export function askSamples(run: Run, step: number): Promise<SampleAnswer> {
  return ask(`/api/runs/${run}/samples/${step}`);
}

/** Longer than the server takes to read the largest run for the first time. */
const patience = 30_000;

async function ask<T>(path: string): Promise<T> {
  const response = await fetch(path, { signal: AbortSignal.timeout(patience) });
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return (await response.json()) as T;
}
