/** Ranks that are read first, and those that are read when more is asked for. */
export const firstRanks = 100;
export const mostRanks = 1000;
/** Ranks that are shown first. */
export const shownRanks = 20;
