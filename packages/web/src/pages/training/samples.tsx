import { useState } from 'preact/hooks';
import type { SampleSteps } from '../../../../quern/src/train/watch/wire.ts';
import { Comparison } from './comparison.tsx';
import { SampleBrowser } from './sample-browser.tsx';
import { stepsOf, stepsRoute } from './sampled.ts';
import { NotRead } from './not-read.tsx';
import { useKept } from './use-kept.ts';

/** A run whose samples may be shown. */
export interface SampledRun {
  readonly id: string;
  readonly name: string;
  /** Another one when the run has told more. */
  readonly version: number;
}

/** What a run made of questions: at the start and now, and at each step that it kept samples of. */
export function Samples({ runs }: { readonly runs: readonly SampledRun[] }) {
  const [chosen, setChosen] = useState<string>();
  const run = runs.find(({ id }) => id === chosen) ?? runs[0];
  const { value, isCurrent, error, again } = useKept<SampleSteps>(run && stepsRoute(run.id), run?.version);
  // Those of the run before are none of this one.
  const steps = isCurrent ? value : undefined;
  if (run === undefined) return null;
  const isAny = stepsOf(steps, 'training').length + stepsOf(steps, 'validation').length > 0;
  return (
    <section aria-labelledby="samples">
      <h2 id="samples">Samples</h2>
      {runs.length > 1 && (
        <p>
          <label>
            Of the run{' '}
            <select value={run.id} onChange={(event) => setChosen(event.currentTarget.value)}>
              {runs.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </p>
      )}
      {error && <NotRead what="The run's samples" error={error} again={again} />}
      {steps && !isAny && (
        <p class="note">
          The run has kept no samples yet: it does so every <code>log_completions_steps</code> steps.
        </p>
      )}
      {steps && isAny && (
        <>
          <Comparison key={`of ${run.id}`} run={run.id} steps={steps} />
          <SampleBrowser key={run.id} run={run.id} steps={steps} />
        </>
      )}
    </section>
  );
}
