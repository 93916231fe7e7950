import type UPlot from 'uplot';

/** uPlot, which a script of the page before its modules brings. */
export const { uPlot } = globalThis as unknown as { readonly uPlot: typeof UPlot };
