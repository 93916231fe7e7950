/** How clicks become judgements. */
export interface ClickRules {
  /**
   * η of the propensity to look at a result, (1 / position)^η, by whose inverse a click is weighed. 0: all weigh the same.
   * Default 1, as in the simulations of Joachims, Swaminathan and Schnabel ("Unbiased Learning-to-Rank with Biased
   * Feedback", WSDM 2017, arXiv 1608.04468). It is assumed, not estimated from the log.
   */
  readonly eta: number;
  /** The position that deeper ones count as, so that a single click far down does not outweigh many. Default 10. */
  readonly deepestPosition: number;
  /** The fewest clicks on a document, over all searches of a query, to count at all. Default 1. */
  readonly leastClicks: number;
}

/** The rules that hold where none are set. */
export const defaultClickRules: ClickRules = { eta: 1, deepestPosition: 10, leastClicks: 1 };

/** The clicks on one document for one query. */
export interface DocumentClicks {
  readonly clicks: number;
  /** Their sum, each with its {@link clickWeight}. */
  readonly weight: number;
}

/** The weight of a click: min(position, deepest position)^η, which is 1 where no position is known. */
export function clickWeight(position: number | undefined, { eta, deepestPosition }: ClickRules): number {
  return Math.min(position ?? 1, deepestPosition) ** eta;
}

/**
 * The levels of the documents that were clicked for one query: round(3 · weight / greatest weight), so 3 for the document
 * that was clicked most, position considered, and no judgement for those below a sixth of it or with too few clicks. Of levels
 * as gains, as trec_eval takes them, only the relation within a query has a say in nDCG.
 */
export function clickLevels(
  documents: ReadonlyMap<string, DocumentClicks>,
  { leastClicks }: ClickRules,
): Map<string, number> {
  const enough = [...documents].filter(([, { clicks }]) => clicks >= leastClicks);
  const greatest = enough.reduce((most, [, { weight }]) => Math.max(most, weight), 0);
  const levels = new Map<string, number>();
  for (const [document, { weight }] of enough) {
    const level = Math.round((3 * weight) / greatest);
    if (level >= 1) levels.set(document, level);
  }
  return levels;
}
