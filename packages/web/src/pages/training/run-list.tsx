import { useState } from 'preact/hooks';
import type { Alarm } from './alarm.ts';
import type { FollowedRun, TrainingRun } from './live-runs.ts';
import { inShownOrder, lastStep, notesOf, progressOf, shownState } from './run-state.ts';
import { Swatch } from './swatch.tsx';

/** Runs that are shown before all of them are asked for. */
const shownFirst = 6;

/** The runs: whether each is drawn, how it fares, and what it was configured with. */
export function RunList({
  runs,
  chosen,
  most,
  followed,
  alarmsOf,
  onChoose,
}: {
  readonly runs: readonly TrainingRun[];
  readonly chosen: readonly string[];
  /** How many can be chosen. */
  readonly most: number;
  readonly followed: ReadonlyMap<string, FollowedRun>;
  alarmsOf(id: string): readonly Alarm[];
  onChoose(ids: readonly string[]): void;
}) {
  const [showsAll, setShowsAll] = useState(false);
  const ordered = inShownOrder(runs);
  const shown = ordered.filter((run, i) => showsAll || i < shownFirst || chosen.includes(run.id));
  return (
    <section aria-labelledby="runs">
      <h2 id="runs" class="hidden">
        Runs
      </h2>
      <ul class="runs">
        {shown.map((run) => (
          <RunCard
            key={run.id}
            run={run}
            place={chosen.indexOf(run.id)}
            isFull={chosen.length >= most}
            followed={followed.get(run.id)}
            alarms={alarmsOf(run.id).length}
            onToggle={() =>
              onChoose(chosen.includes(run.id) ? chosen.filter((id) => id !== run.id) : [...chosen, run.id])
            }
          />
        ))}
      </ul>
      {chosen.length >= most && <p class="note">No more than {most} runs are drawn over each other.</p>}
      {shown.length < runs.length && (
        <button type="button" onClick={() => setShowsAll(true)}>
          Show all {runs.length} runs
        </button>
      )}
    </section>
  );
}

function RunCard({
  run,
  place,
  isFull,
  followed,
  alarms,
  onToggle,
}: {
  readonly run: TrainingRun;
  /** Among those that are chosen; -1: it is not. */
  readonly place: number;
  readonly isFull: boolean;
  readonly followed: FollowedRun | undefined;
  readonly alarms: number;
  onToggle(): void;
}) {
  const step = lastStep(run, followed);
  const { kind, mark, words, explanation } = shownState(run, step);
  const isChosen = place !== -1;
  const { state, summary = [] } = run.problem === undefined ? run : {};
  const notes = notesOf(followed);
  return (
    <li class={`card run ${isChosen ? 'chosen' : ''}`}>
      <div class="run-head">
        <label class="run-name">
          <input
            type="checkbox"
            checked={isChosen}
            disabled={run.problem !== undefined || (isFull && !isChosen)}
            onChange={onToggle}
          />
          {isChosen && <Swatch run={place} />}
          <bdi>{run.name}</bdi>
        </label>
        <span class={`state is-${kind}`}>
          <span aria-hidden="true">{mark}</span> {words}
        </span>
      </div>
      {state && (
        <progress
          max={Math.max(state.max_steps, 1)}
          value={Math.min(step, Math.max(state.max_steps, 1))}
          aria-label={`Steps of ${run.name} that are done`}
        />
      )}
      <p class="note">{progressOf(run, followed).join(' · ')}</p>
      {alarms > 0 && (
        <p class="run-alarms">
          <span aria-hidden="true">⚠</span> {alarms} {alarms === 1 ? 'alarm' : 'alarms'}
        </p>
      )}
      {explanation !== undefined && <p class="explanation">{explanation}</p>}
      {run.problem !== undefined && <p class="error">{run.problem}</p>}
      {state?.error !== undefined && (
        <p class="error" dir="auto" tabIndex={0}>
          {state.error}
        </p>
      )}
      {notes.length > 0 && <p class="note">{notes.join(' ')}</p>}
      {summary.length > 0 && (
        <details>
          <summary>
            Configuration<span class="hidden"> of {run.name}</span>
          </summary>
          <dl class="facts">
            {summary.map(([key, value]) => (
              <div key={key}>
                <dt>{key.replaceAll('_', ' ')}</dt>
                <dd>
                  <bdi>{value}</bdi>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </li>
  );
}
