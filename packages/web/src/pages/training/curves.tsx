import { useMemo, useState } from 'preact/hooks';
import { Loading } from '../../parts/states.tsx';
import { useLoaded } from '../../service/use-answer.ts';
import { chartPlans, otherSection, sectionNames, type ChartPlan } from './chart-list.ts';
import { drawnCurves, wholePart, type ChartedRun } from './drawn-curves.ts';
import { MetricChart } from './metric-chart.tsx';
import type { ChartFrame, PlotLibrary } from './plot.ts';

/** The curves of runs over each other, and how they are drawn. */
export function Curves({ runs }: { readonly runs: readonly ChartedRun[] }) {
  const [smoothing, setSmoothing] = useState(0.6);
  const [isTime, setTime] = useState(false);
  const [part, setPart] = useState<readonly [number, number]>();
  const library = useLoaded<PlotLibrary>(loadPlots, []);
  // What is drawn is another when one of these is.
  const key = runs.map(({ id, version }) => `${id} ${version}`).join();
  const plans = useMemo(() => plansOf(runs), [key]);
  const curvesOf = useMemo(
    () => (plan: ChartPlan) => drawnCurves(runs, plan, { smoothing, isTime }),
    [key, smoothing, isTime],
  );
  const frame = useMemo(
    (): ChartFrame => ({ isTime, part: part ?? wholePart(runs, isTime), choosePart: setPart }),
    [key, isTime, part],
  );
  if (plans.length === 0) return null;
  return (
    <section aria-labelledby="curves">
      <h2 id="curves">Curves</h2>
      <form class="settings" aria-label="How curves are drawn" onSubmit={(event) => event.preventDefault()}>
        <label>
          Smoothing{' '}
          <input
            type="range"
            min="0"
            max="0.99"
            step="0.01"
            value={smoothing}
            onInput={(event) => setSmoothing(event.currentTarget.valueAsNumber)}
          />{' '}
          <output>{smoothing.toFixed(2)}</output>
        </label>
        <fieldset>
          <legend>Against</legend>
          {[false, true].map((each) => (
            <label key={String(each)}>
              <input
                type="radio"
                name="against"
                checked={isTime === each}
                onChange={() => {
                  setTime(each);
                  setPart(undefined);
                }}
              />{' '}
              {each ? 'time' : 'step'}
            </label>
          ))}
        </fieldset>
        {part && (
          <button type="button" onClick={() => setPart(undefined)}>
            Show all of it
          </button>
        )}
      </form>
      {library.state === 'loading' && <Loading what="what draws curves" />}
      {library.state === 'failed' && (
        <p role="alert">
          What draws the curves could not be loaded.{' '}
          <button type="button" class="quiet" onClick={library.again}>
            Try again
          </button>
        </p>
      )}
      {library.state === 'loaded' &&
        sectionNames.map((name) => {
          const own = plans.filter(({ section }) => section === name);
          if (own.length === 0) return null;
          const charts = (
            <div class="charts">
              {own.map((plan) => (
                <MetricChart
                  key={`${plan.kind} ${plan.name} ${plan.deviation ?? ''}`}
                  plan={plan}
                  frame={frame}
                  curvesOf={curvesOf}
                  library={library.value}
                />
              ))}
            </div>
          );
          return name === otherSection ? (
            <details key={name} class="others">
              <summary>
                <h3>{name}</h3>
              </summary>
              {charts}
            </details>
          ) : (
            <section key={name} aria-label={name}>
              <h3>{name}</h3>
              {charts}
            </section>
          );
        })}
    </section>
  );
}

/** The library with its style: they come when there is something to draw. */
async function loadPlots(): Promise<PlotLibrary> {
  const [{ default: library }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]);
  return library;
}

function plansOf(runs: readonly ChartedRun[]): ChartPlan[] {
  const names = (kind: 'train' | 'eval'): Set<string> =>
    new Set(runs.flatMap(({ series }) => series.names(kind)));
  return chartPlans(names('train'), names('eval'));
}
