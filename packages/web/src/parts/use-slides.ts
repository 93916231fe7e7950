import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { isMotionReduced } from './motion.ts';

const timing = { duration: 320, easing: 'cubic-bezier(0.2, 0.7, 0.2, 1)' } as const;

/**
 * Lets the children of a list slide to their new places whenever they have been laid out anew, and new ones fade in. The list is
 * what their places count from (`position: relative`). Where motion is reduced they are just there.
 */
export function useSlides(list: RefObject<HTMLElement | null>): void {
  const tops = useRef(new WeakMap<Element, number>());
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    const children = Array.from(list.current?.children ?? []) as HTMLElement[];
    const isStill = isMotionReduced() || isFirst.current;
    isFirst.current = children.length === 0;
    for (const child of children) {
      const top = child.offsetTop;
      const before = tops.current.get(child);
      tops.current.set(child, top);
      if (isStill || before === top) continue;
      if (before === undefined) {
        child.animate([{ opacity: 0 }, { opacity: 1 }], timing);
        continue;
      }
      // One that is still on its way goes on from where it is seen.
      const moved = new DOMMatrix(getComputedStyle(child).transform).m42;
      for (const slide of child.getAnimations()) slide.cancel();
      const from = before + moved - top;
      child.animate([{ transform: `translateY(${from}px)` }, { transform: 'none' }], timing);
    }
  });
}
