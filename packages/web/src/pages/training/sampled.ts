import type { SampleSteps } from '../../../../quern/src/train/watch/wire.ts';
import { path } from '../../service/client.ts';

/** What samples are of. */
export type SampleKind = 'training' | 'validation';

/** The steps of which a run has samples of a kind, ascending. */
export function stepsOf(steps: SampleSteps | undefined, kind: SampleKind): readonly number[] {
  return (kind === 'training' ? steps?.steps : steps?.validated) ?? [];
}

/** The route of the steps of a run. */
export function stepsRoute(run: string): string {
  return path('v1', 'runs', run, 'samples');
}

/** The route of the samples of a step; undefined without one. */
export function samplesRoute(run: string, kind: SampleKind, step: number | undefined): string | undefined {
  if (step === undefined) return undefined;
  return `${path('v1', 'runs', run, 'samples', step)}${kind === 'validation' ? '?of=validation' : ''}`;
}
