import { useEffect, useState } from 'preact/hooks';
import { isMotionReduced } from '../../parts/motion.ts';
import { paceOf, placesOf, type Watched } from './frames.ts';

/** Which frame of a search is looked at. */
export interface Place {
  /** From 0; -1 before the first. */
  readonly place: number;
  /** Whether somebody looks at a place, instead of following. */
  readonly isHeld: boolean;
  /** Looks at a place, and stays there. */
  hold(place: number): void;
  /** Goes through all frames once more. */
  replay(): void;
}

/**
 * The place that is looked at of a search: it follows the frames as they come, at a pace that the eye follows, until somebody holds
 * one. Where motion is reduced it is always the last. `turn` tells one search from the next.
 */
export function usePlace(watched: Watched, turn: number): Place {
  const [{ of, place, isHeld }, set] = useState({ of: turn, place: -1, isHeld: false });
  const last = placesOf(watched) - 1;
  const isNow = of === turn;
  const at = isNow ? Math.min(place, last) : -1;
  const isFollowing = !(isNow && isHeld);
  useEffect(() => {
    if (!isFollowing || at >= last) return undefined;
    const next = (to: number): void => set({ of: turn, place: to, isHeld: false });
    if (isMotionReduced()) {
      next(last);
      return undefined;
    }
    const timer = setTimeout(() => next(at + 1), at < 0 ? 0 : paceOf(watched.frames.length));
    return () => clearTimeout(timer);
  }, [turn, at, last, isFollowing]);
  return {
    place: at,
    isHeld: !isFollowing,
    hold: (to) => set({ of: turn, place: to, isHeld: true }),
    replay: () => set({ of: turn, place: 0, isHeld: false }),
  };
}
