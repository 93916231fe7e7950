import type { LogTraffic } from '../collections/log-collection.ts';
import { count } from '../report/words.ts';

/** What a reader of figures from this log must know, a sentence or two each. */
export function trafficCaveats(
  { facts, unknown, judgements }: LogTraffic,
  baseline: string,
  reasoners: readonly { readonly run: string; readonly newInFirstTen: number }[],
): string[] {
  const { clickRules, clicks, clicksWithoutPosition, split } = facts;
  const { eta, deepestPosition } = clickRules;
  const left = facts.leftOut.reduce((sum, { searches }) => sum + searches, 0);
  const power = eta === 1 ? '' : ` to the power of ${eta}`;
  const weighed =
    clicksWithoutPosition === clicks || eta === 0
      ? `${eta === 0 ? 'Positions are not looked at' : 'The log has no positions'}, so nothing corrects this.`
      : `Clicks are weighed by their position (${deepestPosition} at most)${power}, which assumes how people look down a list and was not measured on this log.`;
  const partly =
    eta > 0 && clicksWithoutPosition > 0 && clicksWithoutPosition < clicks
      ? ` ${count(clicksWithoutPosition)} of ${count(clicks)} clicks have no position and are not corrected.`
      : '';
  return [
    `Clicks are not judgements: they say what looked worth opening, not what answered. ${count(judgements.bySingleClick)} of ${count(judgements.documents)} judged documents rest on a single click.`,
    `Position bias: what stood higher was clicked more because it was seen more. ${weighed}${partly}`,
    'Only what was shown could be clicked: a relevant document that the search of that time did not show counts as not relevant.',
    'Both favour rankings like those of the search that made the log, so what reasoning brings is likely underestimated, perhaps by all of it. That a search is helped is the more certain finding: a document that was shown and opened moved up. Where it is hurt, what moved ahead may be better and was never shown.',
    ...reasoners.map(
      ({ run, newInFirstTen }) =>
        `Of the first ten hits of ${run}, ${Math.round(100 * newInFirstTen)} % are not among those of ${baseline}: if the search that made the log was like ${baseline}, nobody could click them.`,
    ),
    ...(unknown.searches > 0
      ? [
          'Searches without a judgement are not like the others: often they are the ones where nothing good was found. The shares of the judged searches do not hold for them.',
        ]
      : []),
    ...(left > 0
      ? [
          `Rules left out ${count(left)} of ${count(facts.searches)} searches before anything was counted; people who search much may be among them, and programs that search little are not.`,
        ]
      : []),
    ...(split === 'all' || split === 'train'
      ? [
          'These searches were not held back: a reasoner or a setting that was chosen by this log looks better than it is.',
        ]
      : []),
    ...(facts.seen !== null && split === 'test' && facts.seen.queries > 0
      ? [
          `${count(facts.seen.queries)} of the queries were asked before the split as well: for what was tuned or trained on the part train, measure on the part unseen.`,
        ]
      : []),
  ];
}
