import type { ServiceProcess } from './service-process.ts';

/** How a process's memory went. */
export interface MemoryCourse {
  /** Megabytes, a sample a second. */
  readonly samples: readonly number[];
  readonly most: number;
  /** The medians of the first and the last quarter of the samples after the first tenth. */
  readonly early: number;
  readonly late: number;
}

/** Samples a service's memory until it is asked for. */
export function watchMemory(service: ServiceProcess): { course(): MemoryCourse } {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(service.memory()), 1000);
  return {
    course() {
      clearInterval(timer);
      const settled = samples.slice(Math.floor(samples.length / 10));
      const quarter = Math.max(1, Math.floor(settled.length / 4));
      return {
        samples,
        most: Math.max(...samples),
        early: median(settled.slice(0, quarter)),
        late: median(settled.slice(-quarter)),
      };
    },
  };
}

/** The median. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
}
