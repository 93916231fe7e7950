import { lineKinds, runStyle } from './run-style.ts';

/** The mark of the run at a place among those that are shown, in its colour and its kind of line. */
export function Swatch({ run }: { readonly run: number }) {
  const { colour, line } = runStyle(run);
  return <span class={`swatch c${colour} ${lineKinds[line]}`} aria-hidden="true" />;
}
