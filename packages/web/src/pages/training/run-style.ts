const colours = 6;

/** The kinds of lines, from the bottom up: where curves lie over each other, those below show in the gaps. */
export const lineKinds = ['solid', 'dashed', 'dotted'] as const;

/** How a run is drawn. */
export interface RunStyle {
  /** The place among the page's colours. */
  readonly colour: number;
  /** The place among {@link lineKinds}. */
  readonly line: number;
}

/** How the run with a number is drawn: in another kind of line than the runs beside it and the last one of its colour. */
export function runStyle(run: number): RunStyle {
  return { colour: run % colours, line: (run + Math.floor(run / colours)) % lineKinds.length };
}
