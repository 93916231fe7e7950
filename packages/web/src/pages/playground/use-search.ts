import { useEffect, useRef, useState } from 'preact/hooks';
import type { SearchAnswer } from '../../service/answers.ts';
import { ask, askEvents } from '../../service/client.ts';
import { ServiceError } from '../../service/service-error.ts';
import { onToken } from '../../service/token.ts';
import { plainBody, searchBody, type Choices } from './choices.ts';
import { afterEvent, nothingYet, type Watched } from './frames.ts';

/** How far one of the two searches is. */
export type Progress = 'idle' | 'asking' | 'done' | 'stopped' | 'failed';

/** The two searches of a question. */
export interface Search {
  readonly without: {
    readonly progress: Progress;
    readonly answer?: SearchAnswer;
    readonly error?: Error;
  };
  readonly with: { readonly progress: Progress; readonly watched: Watched; readonly error?: Error };
  /** Rises with each time that is asked. */
  readonly turn: number;
}

function searchOf(progress: 'idle' | 'asking', turn: number): Search {
  return { without: { progress }, with: { progress, watched: nothingYet }, turn };
}

/** How many milliseconds what comes is gathered before it is shown. */
const gathered = 30;

/**
 * The searches for choices, asked anew when `key` changes; without choices nothing is asked. What was found before is not shown for
 * other choices, not even until these are asked.
 */
export function useSearch(
  choices: Choices | undefined,
  key: string,
): { readonly search: Search; stop(): void; again(): void } {
  const [turn, setTurn] = useState(0);
  const asked = `${turn} ${key}`;
  const [held, hold] = useState({ asked: '', search: searchOf('idle', 0) });
  const running = useRef<AbortController>(undefined);
  const again = (): void => setTurn((before) => before + 1);
  useEffect(() => onToken(again), []);
  useEffect(() => {
    const begin = (progress: 'idle' | 'asking'): void =>
      hold(({ search: { turn: before } }) => ({ asked, search: searchOf(progress, before + 1) }));
    if (!choices) {
      begin('idle');
      return undefined;
    }
    const controller = new AbortController();
    running.current = controller;
    const { signal } = controller;
    begin('asking');
    let isOver = false;
    const show = (part: Partial<Search>): void => {
      if (!isOver) hold(({ search: before }) => ({ asked, search: { ...before, ...part } }));
    };
    const plain = ask<SearchAnswer>('v1/search', plainBody(choices), { signal }).then(
      (answer) => show({ without: { progress: 'done', answer } }),
      (error: Error) =>
        show({ without: signal.aborted ? { progress: 'stopped' } : { progress: 'failed', error } }),
    );
    // One after the other: neither is timed while the other has the service.
    void plain.then(() => watch(choices, signal, (part) => show({ with: part })));
    return () => {
      isOver = true;
      controller.abort();
    };
  }, [asked]);
  const isCurrent = held.asked === asked;
  const search = isCurrent ? held.search : searchOf(choices ? 'asking' : 'idle', held.search.turn + 1);
  return { search, stop: () => running.current?.abort(), again };
}

/** Asks with reasoning, and tells how it goes on; does not throw. */
async function watch(
  choices: Choices,
  signal: AbortSignal,
  show: (part: Search['with']) => void,
): Promise<void> {
  let watched = nothingYet;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for await (const { name, data } of askEvents('v1/search', searchBody(choices), { signal })) {
      watched = afterEvent(watched, name, data);
      timer ??= setTimeout(() => {
        timer = undefined;
        show({ progress: 'asking', watched });
      }, gathered);
    }
    if (!watched.answer) throw brokenOff();
    clearTimeout(timer);
    show({ progress: 'done', watched });
  } catch (error) {
    clearTimeout(timer);
    if (signal.aborted) show({ progress: 'stopped', watched });
    else {
      show({ progress: 'failed', watched, error: error instanceof ServiceError ? error : brokenOff() });
    }
  }
}

function brokenOff(): ServiceError {
  return new ServiceError(0, 'UNREACHABLE', 'the answer broke off before its end', {
    hint: 'See whether the service still runs',
  });
}
