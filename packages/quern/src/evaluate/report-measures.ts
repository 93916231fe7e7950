/** The tables of a report: what ran, what it measures, and how it compares with the baseline. */
import type { RunComparison } from './comparison.ts';
import { intervalLine, intervalScale } from './report-chart.ts';
import { isolated, markup, type Markup } from '../report/markup.ts';
import { count, decimal } from '../report/words.ts';
import {
  finishWords,
  intervalText,
  measureWords,
  pSentence,
  pText,
  queries,
  signed,
} from './report-words.ts';
import type { Report, ReportRun } from './report.ts';

/** The level below which a p value is called significant. */
const level = 0.05;

/** What the comparison says of each run by the first measure, a sentence each; of one run: its value. */
export function summarySentences({ runs, comparisons, measures, topics }: Report): Markup[] {
  const { label } = measureWords(measures[0]);
  if (comparisons.length === 0) {
    const [{ mean, interval }] = runs[0].means;
    return [
      markup`<p class="lede">${isolated(runs[0].name)} reaches ${label} <b>${decimal(mean, 4)}</b> over ${queries(topics.length)}; 95 % interval ${intervalText(interval, 4)}.</p>`,
    ];
  }
  return comparisons
    .filter(({ measure }) => measure === measures[0])
    .map((comparison) => {
      const { run, baseline, mean, difference, interval, wins, ties, losses } = comparison;
      const change = difference > 0 ? 'raises' : difference < 0 ? 'lowers' : 'leaves';
      const adjusted = comparisons.length > 1 ? 'adjusted ' : '';
      const p = adjusted + pSentence(comparison.adjusted.randomisation);
      const chance =
        comparison.adjusted.randomisation < level
          ? `a significant difference (${p})`
          : `no significant difference (${p})`;
      const values =
        difference === 0
          ? markup`at <b>${decimal(mean, 4)}</b>`
          : markup`from ${decimal(baseline, 4)} to <b>${decimal(mean, 4)}</b>, by <b class="${difference > 0 ? 'gain' : 'loss'}">${signed(difference, 4)}</b> (95 % interval of this difference alone ${intervalText(interval, 4)}); ${chance}`;
      return markup`<p class="lede">${isolated(run)} ${change} ${label} ${values}. ${count(wins)} of ${queries(wins + ties + losses)} do better than with ${isolated(runs[0].name)}, ${count(losses)} worse, ${count(ties)} the same.</p>`;
    });
}

/** The means of all runs: a row a measure, a column a run. */
export function measureTable({ runs, comparisons, measures }: Report): Markup {
  const comparisonOf = (run: string, measure: string): RunComparison | undefined =>
    comparisons.find((each) => each.run === run && each.measure === measure);
  const rows = measures.map((measure, i) => {
    const { label, words } = measureWords(measure);
    const best = Math.max(...runs.map(({ means }) => means[i].mean));
    const cells = runs.map(({ name, means }) => {
      const { mean, interval } = means[i];
      const value = decimal(mean, 4);
      return markup`<td class="n">${significance(comparisonOf(name, measure))}${
        runs.length > 1 && mean === best ? markup`<b>${value}</b>` : value
      }<span class="range">${intervalText(interval, 4)}</span></td>`;
    });
    return markup`<tr><th scope="row" class="measure">${label}<span class="words">${words}</span></th>${cells}</tr>\n`;
  });
  const marks =
    comparisons.length === 0
      ? null
      : markup`<p class="note">▲ significantly better, ▼ significantly worse than ${isolated(runs[0].name)}: paired randomisation test, two-sided, p adjusted by Holm’s method and below 0.05, so that the chance of any false mark on this page is at most 5 %. No mark: no difference was shown. The highest value of a row is bold.</p>`;
  return markup`${scrolling(
    'measures',
    markup`<table class="means"><caption><span id="measures">Means over all queries; a query without a ranking counts 0.</span></caption>
<thead><tr><th scope="col">Measure</th>${runs.map(({ name }) => markup`<th scope="col" class="n run">${isolated(name)}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table>`,
  )}
<p class="note">In brackets, the 95 % bootstrap interval of the mean: how far it could lie off with other queries of the same kind.</p>
${marks}`;
}

function significance(comparison: RunComparison | undefined): Markup | null {
  if (!comparison || comparison.adjusted.randomisation >= level) return null;
  return comparison.difference > 0
    ? markup`<span class="gain"><span aria-hidden="true">▲</span><span class="unseen">significantly better:</span></span> `
    : markup`<span class="loss"><span aria-hidden="true">▼</span><span class="unseen">significantly worse:</span></span> `;
}

/** Every other run against the baseline, with tests; nothing in a report of one run. */
export function comparisonTable({ runs, comparisons }: Report): Markup | null {
  if (comparisons.length === 0) return null;
  const scale = intervalScale(comparisons);
  const groups = runs.slice(1).map(({ name }) => {
    const head =
      runs.length > 2
        ? markup`<tr><th class="group" scope="rowgroup" colspan="10">${isolated(name)}</th></tr>\n`
        : null;
    const rows = comparisons
      .filter(({ run }) => run === name)
      .map((comparison) => {
        const { difference, interval, tTest, randomisation, adjusted, dz } = comparison;
        return markup`<tr><th scope="row">${measureWords(comparison.measure).label}</th><td class="n">${signed(difference, 4)}</td><td class="n">${intervalText(interval, 4)}</td><td class="drawn">${intervalLine(comparison, adjusted.randomisation < level, scale)}</td><td class="n">${pText(tTest.p)}</td><td class="n">${pText(adjusted.tTest)}</td><td class="n">${pText(randomisation.p)}</td><td class="n">${pText(adjusted.randomisation)}</td><td class="n">${dz === null ? '–' : decimal(dz, 2)}</td><td class="n">${count(comparison.wins)} / ${count(comparison.ties)} / ${count(comparison.losses)}</td></tr>\n`;
      });
    return markup`<tbody>${head}${rows}</tbody>`;
  });
  const adjustment =
    comparisons.length === 1
      ? 'There is one comparison, so that “p, Holm” is p itself.'
      : `“p, Holm” is adjusted for the ${count(comparisons.length)} comparisons of this table.`;
  return markup`${scrolling(
    'comparisons',
    markup`<table><caption><span id="comparisons">Differences${
      runs.length === 2 ? markup` of ${isolated(runs[1].name)}` : null
    } from ${isolated(runs[0].name)}, paired by query.</span></caption>
<thead><tr><th rowspan="2" scope="col">Measure</th><th rowspan="2" scope="col" class="n">Difference</th><th rowspan="2" scope="col" class="n">95 % interval</th><td rowspan="2" class="drawn"></td><th colspan="2" scope="colgroup" class="n">t-test</th><th colspan="2" scope="colgroup" class="n">Randomisation</th><th rowspan="2" scope="col" class="n">d<sub>z</sub></th><th rowspan="2" scope="col" class="n">Better / same<br>/ worse</th></tr>
<tr><th scope="col" class="n">p</th><th scope="col" class="n">p, Holm</th><th scope="col" class="n">p</th><th scope="col" class="n inner">p, Holm</th></tr></thead>
${groups}</table>`,
  )}
<p class="note">The drawn intervals share one scale; the upright line is no difference. Both tests are two-sided. ${adjustment} Each interval (Student’s t) is of its one difference, not adjusted for the others; a line is coloured where the adjusted randomisation test is significant. d<sub>z</sub> is the mean difference in standard deviations of the differences.</p>`;
}

/** What each run was made with; of runs alone, only what they lack. */
export function runTable({ runs }: Report): Markup {
  if (runs.every(({ reasoner }) => reasoner === null)) return markup`${runs.map(missingNote)}`;
  const rows = runs.map((run) => {
    return markup`<tr><th scope="row" class="run">${isolated(run.name)}</th>${nameCell(run.reasoner)}${nameCell(run.combine)}${nameCell(run.retriever)}<td>${endings(run)}</td><td class="n">${count(run.topicsWithoutRanking)}</td></tr>\n`;
  });
  return scrolling(
    'runs',
    markup`<table class="runs"><caption><span id="runs">What ran.</span></caption>
<thead><tr><th scope="col">Run</th><th scope="col">Reasoner</th><th scope="col">Joined by</th><th scope="col">Retriever</th><th scope="col">Reasoned queries</th><th scope="col" class="n">Without<br>ranking</th></tr></thead>
<tbody>${rows}</tbody></table>`,
  );
}

function missingNote({ name, topicsWithoutRanking }: ReportRun): Markup | null {
  return topicsWithoutRanking === 0
    ? null
    : markup`<p class="note">${isolated(name)} has no ranking for ${queries(topicsWithoutRanking)}.</p>`;
}

function nameCell(name: string | null): Markup {
  return markup`<td class="id">${name === null ? '–' : isolated(name)}</td>`;
}

function endings({ finishes }: ReportRun): string {
  const known = (Object.keys(finishWords) as (keyof typeof finishWords)[]).flatMap((finish) =>
    finishes[finish] === undefined ? [] : [`${count(finishes[finish])} ${finishWords[finish]}`],
  );
  return known.length === 0 ? '–' : known.join(', ');
}

/** A table that scrolls by itself where the page is too narrow; `caption` is the id of the table's caption. */
export function scrolling(caption: string, table: Markup): Markup {
  return markup`<div class="scroll" role="region" aria-labelledby="${caption}" tabindex="0">${table}</div>`;
}
