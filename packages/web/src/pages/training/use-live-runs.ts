import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, path } from '../../service/client.ts';
import { onToken } from '../../service/token.ts';
import { inView, LiveRuns, type LiveState, type RunsAnswers } from './live-runs.ts';

const answers: RunsAnswers = {
  list: (signal) => ask('v1/runs?kind=training', undefined, { signal }),
  metrics: (id, after, signal) =>
    ask(`${path('v1', 'runs', id, 'metrics')}?${new URLSearchParams({ after })}`, undefined, { signal }),
};

/** The runs as they are, for as long as the page is looked at; those of `chosen` with their metrics. */
export function useLiveRuns(chosenOf: (state: LiveState) => readonly string[]): {
  readonly state: LiveState;
  readonly chosen: readonly string[];
  /** Asks at once. */
  now(): void;
} {
  const live = useRef<LiveRuns>(undefined);
  const [, setTurn] = useState(0);
  live.current ??= new LiveRuns(answers, () => setTurn((turn) => turn + 1));
  const runs = live.current;
  const chosen = chosenOf(runs.state);
  useEffect(() => runs.follow(chosen), [chosen.join()]);
  useEffect(() => {
    void runs.start(inView);
    const stopListening = onToken(() => runs.now());
    return () => {
      stopListening();
      runs.stop();
    };
  }, []);
  return { state: runs.state, chosen, now: () => runs.now() };
}
