import { expect, it } from 'vitest';
import type { MetricsAnswer } from '../../../../quern/src/train/watch/wire.ts';
import { ServiceError } from '../../service/service-error.ts';
import {
  isGoingOn,
  LiveRuns,
  pauseAfter,
  type LiveState,
  type RunsAnswers,
  type TrainingRun,
} from './live-runs.ts';

const run = (id: string): TrainingRun => ({ id, name: id, hasSamples: false, summary: [] });

function answer(step: number, rest: Partial<MetricsAnswer> = {}): MetricsAnswer {
  const lines = [{ kind: 'train', step, values: { reward: step } } as const];
  return { after: String(step), isStart: step === 1, more: false, stride: 1, unreadable: 0, lines, ...rest };
}

/** Lets runs be asked for `times` times, and returns them. */
async function asked(
  times: number,
  answers: Partial<RunsAnswers>,
  chosen: readonly string[],
  onState: (state: LiveState) => void = () => undefined,
): Promise<LiveRuns> {
  const runs: LiveRuns = new LiveRuns(
    {
      list: async () => ({ runs: [run('a'), run('b')], isCut: false }),
      metrics: async (_, after) => answer(Number(after) + 1),
      ...answers,
    },
    () => onState(runs.state),
  );
  let left = times;
  const seen = async (): Promise<void> => {
    if (--left === 0) runs.stop();
  };
  runs.follow(chosen);
  const started = runs.start(async () => {
    await seen();
  });
  // The pause after each time is cut short.
  const hurry = setInterval(() => runs.now(), 1);
  await started;
  clearInterval(hurry);
  return runs;
}

it('metrics of chosen runs grow, and no others are read', async () => {
  const { state } = await asked(3, {}, ['b', 'gone']);
  expect([...state.followed.keys()]).toEqual(['b']);
  expect(state.followed.get('b')!.series.curve('train', 'reward').values).toEqual([1, 2, 3]);
  expect(state.followed.get('b')!.version).toBe(3);
});

it('what has more is read to its end at once', async () => {
  const { state } = await asked(
    1,
    { metrics: async (_, after) => answer(Number(after) + 1, { more: Number(after) < 4 }) },
    ['a'],
  );
  expect(state.followed.get('a')!.series.trained).toHaveLength(5);
});

it('a run that cannot be read has a problem, and others go on', async () => {
  const { state } = await asked(
    2,
    {
      metrics: async (id, after) => {
        if (id === 'a') throw new ServiceError(503, 'UNAVAILABLE', 'the run cannot be read');
        return answer(Number(after) + 1);
      },
    },
    ['a', 'b'],
  );
  expect(state.followed.get('a')!.problem).toBe('the run cannot be read');
  expect(state.followed.get('b')!.series.trained).toHaveLength(2);
  expect(state.trouble).toBeUndefined();
});

it('what came of one run before another could not be asked for is told with the next try', async () => {
  const ofA = [answer(1), answer(2), answer(2, { lines: [] })];
  let times = 0;
  const metrics: RunsAnswers['metrics'] = async (id) => {
    if (id === 'a') return ofA.shift()!;
    if (++times === 2) throw new ServiceError(0, 'UNREACHABLE', 'the service does not answer');
    return answer(times);
  };
  const versions = new Set<number | undefined>();
  const { state } = await asked(3, { metrics }, ['a', 'b'], ({ followed }) => {
    versions.add(followed.get('a')?.version);
  });
  expect(state.followed.get('a')!.series.trained.map(({ step }) => step)).toEqual([1, 2]);
  expect([...versions]).toEqual([undefined, 1, 2]);
});

it('where nobody answers, what there was stays, and it is told', async () => {
  let times = 0;
  const list: RunsAnswers['list'] = async () => {
    if (++times > 1) throw new ServiceError(0, 'UNREACHABLE', 'the service does not answer');
    return { runs: [run('a')], isCut: false };
  };
  const { state } = await asked(3, { list }, ['a']);
  expect(state.runs).toHaveLength(1);
  expect(state.followed.get('a')!.series.trained).toHaveLength(1);
  expect(state.trouble).toMatchObject({ error: { code: 'UNREACHABLE' }, pause: 4000 });
});

it('pauses double with each error in a row, up to a minute', () => {
  expect([1, 2, 3, 5, 6, 50].map(pauseAfter)).toEqual([2000, 4000, 8000, 32_000, 60_000, 60_000]);
});

it('a run is asked for often while it goes on', () => {
  const state = { status: 'running', step: 1, max_steps: 2 };
  const base = { id: 'a', name: 'a', hasSamples: false, summary: [] };
  expect(isGoingOn({ ...base, state, isAlive: true })).toBe(true);
  expect(isGoingOn({ ...base, state, isAlive: false })).toBe(false);
  expect(isGoingOn({ ...base, state: { ...state, status: 'done' } })).toBe(false);
  expect(isGoingOn({ ...base, written: 1000 }, 2000)).toBe(true);
  expect(isGoingOn({ ...base, written: 1000 }, 100_000)).toBe(false);
  expect(isGoingOn({ id: 'a', name: 'a', problem: 'it cannot be read' })).toBe(false);
});
