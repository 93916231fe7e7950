import type { RunState } from '../../../../quern/src/train/watch/wire.ts';
import { validationTitle } from './chart-list.ts';
import { isGoingOn, type FollowedRun, type TrainingRun } from './live-runs.ts';
import { timeLeft } from './time-left.ts';
import { durationText, valueText } from './words.ts';

/** How a run fares, in a word that the style knows, and in words that are shown. */
export interface ShownState {
  readonly kind: 'running' | 'done' | 'stopped' | 'failed' | 'gone' | 'none';
  readonly mark: string;
  readonly words: string;
  readonly explanation?: string;
}

const known: Readonly<Record<string, ShownState>> = {
  running: { kind: 'running', mark: '▶', words: 'Running' },
  done: { kind: 'done', mark: '✓', words: 'Done' },
  stopped: { kind: 'stopped', mark: '■', words: 'Stopped' },
  failed: { kind: 'failed', mark: '✕', words: 'Failed' },
};

/** How a run fares, of which `step` is the last step that is known. */
export function shownState(run: TrainingRun, step: number): ShownState {
  if (run.problem !== undefined) return { kind: 'failed', mark: '✕', words: 'Cannot be read' };
  const { state, isAlive } = run;
  if (state === undefined) {
    const hasBegun = step > 0 || run.written !== undefined;
    return { kind: 'none', mark: '…', words: hasBegun ? 'State unknown' : 'Not begun' };
  }
  if (state.status === 'running' && isAlive === false) {
    return {
      kind: 'gone',
      mark: '!',
      words: 'Process gone',
      explanation:
        'It says that it is running, and this machine has no such process: it runs on another machine, or was broken off. If it was, quern train --resume goes on with it.',
    };
  }
  return Object.hasOwn(known, state.status)
    ? known[state.status]!
    : { kind: 'none', mark: '?', words: state.status };
}

/** The last step that is known of a run. */
export function lastStep(run: TrainingRun, followed: FollowedRun | undefined): number {
  const told = run.problem === undefined ? (run.state?.step ?? 0) : 0;
  return Math.max(told, followed?.series.trained.at(-1)?.step ?? 0);
}

/** How far a run is, what is left of it, when it last wrote, and what its best checkpoint is. */
export function progressOf(
  run: TrainingRun,
  followed: FollowedRun | undefined,
  now: number = Date.now(),
): string[] {
  if (run.problem !== undefined) return [];
  const { state, written } = run;
  const step = lastStep(run, followed);
  const wrote = written === undefined ? [] : [`last wrote ${durationText(now - written)} ago`];
  if (state === undefined) {
    if (written === undefined) return ['nothing is written yet'];
    return [...(step === 0 ? [] : [`step ${step}`]), ...wrote];
  }
  const { max_steps: most, best } = state;
  const isOn = isGoingOn(run, now);
  const left = isOn ? timeLeft(followed?.series.trained ?? [], most) : undefined;
  const parts = [`step ${step} of ${most}`];
  if (left !== undefined) parts.push(`about ${durationText(left)} left`);
  parts.push(...wrote);
  if (best !== undefined) parts.push(`best validation at step ${best.step}: ${bestText(best)}`);
  return parts;
}

function bestText({ metric, value }: NonNullable<RunState['best']>): string {
  const title = validationTitle(metric);
  const name = /^n?[A-Z]{2}/.test(title) ? title : `${title.charAt(0).toLowerCase()}${title.slice(1)}`;
  return `${name} ${valueText(value, 'number')}`;
}

/** What is missing in the curves of a run. */
export function notesOf(followed: FollowedRun | undefined): string[] {
  if (followed === undefined) return [];
  const { problem, series } = followed;
  const notes: string[] = [];
  if (problem !== undefined) notes.push(`Its metrics cannot be read: ${problem}.`);
  if (series.stride > 1) notes.push(`One step of ${series.stride} is drawn.`);
  if (series.unreadable > 0)
    notes.push(
      `${series.unreadable} ${series.unreadable === 1 ? 'line' : 'lines'} of metrics cannot be read.`,
    );
  return notes;
}

/** Runs in the order that they are shown in: those that say that they go on, then those that wrote last. */
export function inShownOrder(runs: readonly TrainingRun[]): TrainingRun[] {
  // What goes on writes all the time, and would change its place with others that do.
  return runs.toSorted((a, b) => {
    const [first, second] = [shownRank(a), shownRank(b)];
    return first === second ? 0 : second - first;
  });
}

function shownRank(run: TrainingRun): number {
  if (run.problem !== undefined) return -1;
  return run.state !== undefined && isGoingOn(run) ? Infinity : (run.written ?? 0);
}
