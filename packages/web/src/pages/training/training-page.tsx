import { useMemo, useRef } from 'preact/hooks';
import { replaceAddress } from '../../address.ts';
import { Empty, Failed, Loading, sentence } from '../../parts/states.tsx';
import { ServiceError } from '../../service/service-error.ts';
import type { PageProps } from '../../shell/pages.ts';
import { AlarmList } from './alarm-list.tsx';
import { alarms } from './alarms.ts';
import { Curves } from './curves.tsx';
import type { LiveState } from './live-runs.ts';
import { RunList } from './run-list.tsx';
import { inShownOrder } from './run-state.ts';
import { Samples } from './samples.tsx';
import { useLiveRuns } from './use-live-runs.ts';
import { durationText } from './words.ts';
import './training.css';

/** Runs that are drawn over each other at the most. */
const mostChosen = 12;

/** Runs of training as they go: how they fare, what is wrong with them, their curves, and what they make of questions. */
export default function TrainingPage({ params }: PageProps) {
  const asked = params.get('runs');
  // What is shown where nothing was chosen stays, also when another run begins.
  const first = useRef<string>(undefined);
  const { state, chosen, now } = useLiveRuns(({ runs = [] }) => {
    if (asked !== null) return [...new Set(asked.split(',').filter((id) => id !== ''))].slice(0, mostChosen);
    if (!runs.some(({ id }) => id === first.current)) {
      first.current = inShownOrder(runs.filter(({ problem }) => problem === undefined))[0]?.id;
    }
    return first.current === undefined ? [] : [first.current];
  });
  const { runs, trouble } = state;
  const isRefused = trouble?.error instanceof ServiceError && trouble.error.status === 401;
  return (
    <div class="training">
      <h1>Training</h1>
      {runs === undefined && !trouble && <Loading what="runs" />}
      {trouble && (runs === undefined || isRefused) && <Failed error={trouble.error} again={now} />}
      {runs !== undefined && !isRefused && (
        <>
          <Trouble trouble={trouble} now={now} />
          {runs.length === 0 ? <NoRuns /> : <Runs state={state} chosen={chosen} />}
        </>
      )}
    </div>
  );
}

function Runs({ state, chosen }: { readonly state: LiveState; readonly chosen: readonly string[] }) {
  const { runs = [], isCut, followed } = state;
  const known = new Map(runs.map((run) => [run.id, run]));
  const shown = chosen.filter((id) => known.has(id));
  const missing = chosen.length - shown.length;
  const read = shown.flatMap((id) => {
    const of = followed.get(id);
    return of === undefined ? [] : [{ id, name: known.get(id)!.name, run: known.get(id)!, ...of }];
  });
  // Alarms look at all lines: not each time that a clock moves on.
  const key = read.map(({ id, version, run }) => `${id} ${version} ${statusOf(run)}`).join();
  const alarming = useMemo(
    () =>
      read.map(({ id, name, series: { trained, validated }, run }) => ({
        id,
        name,
        alarms: alarms({
          trained,
          validated,
          state: run.problem === undefined ? run.state : undefined,
        }),
        lines: trained.length,
      })),
    [key],
  );
  return (
    <>
      <RunList
        runs={runs}
        chosen={shown}
        most={mostChosen}
        followed={followed}
        alarmsOf={(id) => alarming.find((each) => each.id === id)?.alarms ?? []}
        // A parameter that is empty would be left out, and the first run be shown.
        onChoose={(ids) => replaceAddress('training', { runs: ids.length === 0 ? ',' : ids.join(',') })}
      />
      {isCut && <p class="note">There may be more runs than are looked through.</p>}
      {missing > 0 && (
        <p class="note" role="status">
          {missing === 1 ? 'A run of this address is' : `${missing} runs of this address are`} not there.
        </p>
      )}
      {shown.length === 0 && <p>Choose a run to see its curves and samples.</p>}
      {read.length > 0 && (
        <nav class="within" aria-label="On this page">
          {['alarms', 'curves', 'samples'].map((id) => (
            <button key={id} type="button" class="quiet" onClick={() => goTo(id)}>
              {id.charAt(0).toUpperCase() + id.slice(1)}
            </button>
          ))}
        </nav>
      )}
      {read.length > 0 && <AlarmList runs={alarming} />}
      {read.length > 0 && read.every(({ series }) => series.firstAndLast.length === 0) && (
        <p class="note">
          {read.length === 1 ? 'The run has' : 'The runs have'} written no metrics yet; they are drawn when
          they come.
        </p>
      )}
      <Curves runs={read} />
      <Samples runs={read} />
    </>
  );
}

/** The hash names the page: a link into it would lead away. */
function goTo(id: string): void {
  const heading = document.getElementById(id);
  if (heading === null) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  heading.scrollIntoView();
}

function statusOf(run: NonNullable<LiveState['runs']>[number]): string {
  return run.problem === undefined ? `${run.state?.status} ${run.state?.error}` : run.problem;
}

function Trouble({ trouble, now }: { readonly trouble: LiveState['trouble']; now(): void }) {
  return (
    <div role="status" class="trouble-place">
      {trouble && (
        <p class="trouble">
          <span aria-hidden="true">⚠</span> {sentence(trouble.error.message)} What is shown is from before;
          the next try is in {durationText(trouble.pause)}.{' '}
          <button type="button" onClick={now}>
            Try now
          </button>
        </p>
      )}
    </div>
  );
}

function NoRuns() {
  return (
    <Empty title="No runs of training yet">
      <p>
        Train a tiny model. It learns nothing worth having, and takes some seconds once LibTorch is there:
      </p>
      <pre tabIndex={0}>
        {
          'npx quern setup torch\nnpx quern train --preset smoke --set max_steps=6 --set eval_data=sample: --set eval_steps=2 --out runs/first'
        }
      </pre>
      <p>
        Then start the service again with that folder, beside what it is started with now. Runs that begin
        later are found without another start.
      </p>
      <pre tabIndex={0}>npx quern serve --sample --runs runs</pre>
      <p class="note">
        In a configuration, the file of <code>--config</code>, it is <code>runs: [runs]</code>. Folders that
        options name are shown in place of those that it names.
      </p>
    </Empty>
  );
}
