import type { Measure } from './measures.ts';

/**
 * The means of several collections put together as BRIGHT's tables do: each collection counts the same, however many
 * topics it has. Counts (`num_q`, …) are added up.
 */
export function macroMean(
  measures: readonly Pick<Measure, 'name' | 'summary'>[],
  means: readonly Readonly<Record<string, number>>[],
): Record<string, number> {
  return Object.fromEntries(
    measures.map(({ name, summary }) => {
      const sum = means.reduce((total, mean) => total + mean[name], 0);
      return [name, summary === 'sum' ? sum : sum / means.length];
    }),
  );
}
