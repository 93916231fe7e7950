import { useEffect, useRef, useState } from 'preact/hooks';
import { onTheme } from '../../shell/theme.ts';
import type { ChartPlan } from './chart-list.ts';
import { Plot, type ChartFrame, type PlotLibrary, type ShownValues } from './plot.ts';
import { isWide, type DrawnCurve } from './plotted.ts';
import { Swatch } from './swatch.tsx';
import { hoursText, valueText } from './words.ts';

/** A chart of one metric of several runs, with the values at the cursor above it, and the same as a table below. */
export function MetricChart({
  plan,
  frame,
  curvesOf,
  library,
}: {
  readonly plan: ChartPlan;
  readonly frame: ChartFrame;
  /** Another function when there is something else to draw. */
  readonly curvesOf: (plan: ChartPlan) => readonly DrawnCurve[];
  readonly library: PlotLibrary;
}) {
  const figure = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(undefined);
  const [isSeen, setSeen] = useState(false);
  const [isFocused, setFocused] = useState(false);
  const [isLogarithmic, setLogarithmic] = useState(false);
  const [canBe, setCanBe] = useState(false);
  const [shown, setShown] = useState<ShownValues>({ x: undefined, values: [] });
  useEffect(() => {
    // Also while the page is without a layout, an observer tells once.
    const observer = new IntersectionObserver(([entry]) => setSeen(entry!.isIntersecting), {
      rootMargin: '200px',
    });
    observer.observe(figure.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const made = new Plot({ library, place: place.current!, plan, onValues: setShown });
    plot.current = made;
    const stop = onTheme(() => made.redraw());
    return () => {
      stop();
      made.destroy();
    };
  }, [library]);
  useEffect(() => {
    const draw = (): void => {
      const curves = curvesOf(plan);
      const isPossible = isWide(curves);
      setCanBe(isPossible);
      plot.current!.draw(curves, frame, isLogarithmic && isPossible);
    };
    if (isSeen) {
      draw();
      return undefined;
    }
    // What is out of sight is drawn, too: the whole page can be printed or kept, and its values are read out.
    return whenIdle(draw);
  }, [isSeen, curvesOf, frame, isLogarithmic, library]);
  const { x, values } = shown;
  const at = x === undefined ? 'last' : frame.isTime ? `after ${hoursText(x, 0)}` : `step ${x}`;
  return (
    <div
      ref={figure}
      class="chart"
      tabIndex={0}
      role="group"
      aria-label={`${plan.title}; arrow keys read its values`}
      onFocus={() => setFocused(true)}
      onBlur={() => {
        setFocused(false);
        plot.current?.look(undefined);
      }}
      onKeyDown={(event) => {
        const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
        if (move === undefined || event.target !== figure.current) return;
        event.preventDefault();
        plot.current?.look(move);
      }}
    >
      <div class="chart-head">
        <h4 dir="auto">{plan.title}</h4>
        {canBe && (
          <button
            type="button"
            class="quiet log"
            aria-pressed={isLogarithmic}
            aria-label={`${plan.title}: logarithmic axis`}
            onClick={() => setLogarithmic(!isLogarithmic)}
          >
            log
          </button>
        )}
        <span class="note at">{at}</span>
      </div>
      <ul class="values" aria-live={isFocused ? 'polite' : undefined}>
        {values.map(({ run, name, value }) => (
          <li key={run}>
            <Swatch run={run} />
            <bdi class={values.length === 1 ? 'hidden' : 'run-name'}>{name}</bdi>{' '}
            <b>{valueText(value, plan.unit)}</b>
          </li>
        ))}
      </ul>
      <div ref={place} class="drawing" aria-hidden="true" />
      <ValueTable plan={plan} isTime={frame.isTime} curvesOf={curvesOf} />
    </div>
  );
}

/** Calls when there is nothing else to do; returns what takes that back. */
function whenIdle(call: () => void): () => void {
  // Safari has no such callback.
  if (!('requestIdleCallback' in globalThis)) {
    const timer = setTimeout(call, 200);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(call, { timeout: 2000 });
  return () => cancelIdleCallback(handle);
}

/** Rows that a table has at the most: of more, every second, fourth, … is shown. */
const mostRows = 200;

/** The values as a table, for who does not see curves: made when it is opened. */
function ValueTable({
  plan,
  isTime,
  curvesOf,
}: {
  readonly plan: ChartPlan;
  readonly isTime: boolean;
  readonly curvesOf: (plan: ChartPlan) => readonly DrawnCurve[];
}) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="as-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class="hidden">{plan.title} </span>as a table
      </summary>
      {isOpen && <Rows plan={plan} isTime={isTime} curves={curvesOf(plan)} />}
    </details>
  );
}

function Rows({
  plan,
  isTime,
  curves,
}: {
  readonly plan: ChartPlan;
  readonly isTime: boolean;
  readonly curves: readonly DrawnCurve[];
}) {
  const byX = new Map<number, (number | undefined)[]>();
  for (const [i, { xs, ys, raw = ys }] of curves.entries()) {
    for (const [j, x] of xs.entries()) {
      const row = byX.get(x) ?? [];
      row[i] = raw[j];
      byX.set(x, row);
    }
  }
  const all = [...byX].sort(([a], [b]) => a - b);
  const every = Math.ceil(all.length / mostRows);
  // The last one is always there.
  const rows = all.filter((_, i) => (all.length - 1 - i) % every === 0);
  return (
    <div class="table-place" tabIndex={0} role="region" aria-label={`${plan.title}, values`}>
      {every > 1 && <p class="note">One row of {every} is shown.</p>}
      <table>
        <thead>
          <tr>
            <th scope="col">{isTime ? 'After' : 'Step'}</th>
            {curves.map(({ run, name }) => (
              <th key={run} scope="col" class="number">
                <bdi>{name}</bdi>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([x, values]) => (
            <tr key={x}>
              <th scope="row">{isTime ? hoursText(x, 0) : x}</th>
              {curves.map(({ run }, i) => (
                <td key={run} class="number">
                  {values[i] === undefined ? '–' : valueText(values[i], plan.unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
