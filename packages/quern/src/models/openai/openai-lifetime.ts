import { setMaxListeners } from 'node:events';
import { QuernError } from '../../errors.ts';

/** The time that one call has, over all its attempts. */
export interface Lifetime {
  /** Aborted with the {@link QuernError} that says why. */
  readonly signal: AbortSignal;
  /** Starts the clock, and not before: waiting for a place does not count. */
  start(milliseconds: number, where: string): void;
  /** The milliseconds left; infinite before the start. */
  left(): number;
  /** To be called when the call has ended. */
  end(): void;
}

/** A call's lifetime ends when the caller, its closing or the clock ends it, whichever is first. */
export function lifetime(caller: AbortSignal | undefined, closing: AbortSignal): Lifetime {
  const life = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let until = Infinity;
  const stop = (): void => life.abort(new QuernError('ABORTED', 'stopped on request'));
  const close = (): void => life.abort(new QuernError('ABORTED', 'the connection is closed'));
  // Many calls at once share these signals: that is no leak.
  setMaxListeners(0, closing, ...(caller ? [caller] : []));
  caller?.addEventListener('abort', stop);
  closing.addEventListener('abort', close);
  if (caller?.aborted) stop();
  if (closing.aborted) close();
  return {
    signal: life.signal,
    start(milliseconds, where) {
      until = performance.now() + milliseconds;
      timer = setTimeout(() => {
        life.abort(
          new QuernError('TIMEOUT', `no whole reply within ${milliseconds / 1000} s`, {
            where,
            hint: 'Raise totalTimeout in the configuration if it needs longer',
          }),
        );
      }, milliseconds);
    },
    left: () => until - performance.now(),
    end() {
      clearTimeout(timer);
      caller?.removeEventListener('abort', stop);
      closing.removeEventListener('abort', close);
    },
  };
}
