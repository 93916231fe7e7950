/** The page of a report: one file without scripts that asks for nothing from anywhere. */
import { barChart, type Bar } from './report-chart.ts';
import { isolated, isolatedPlain, markup, type Markup } from '../report/markup.ts';
import { page } from '../report/page.ts';
import { comparisonTable, measureTable, runTable, summarySentences } from './report-measures.ts';
import { reportStyle } from '../report/style.ts';
import { trafficSection } from './report-traffic.ts';
import { markLegend, topicDetails } from './report-topic-html.ts';
import { count, decimal } from '../report/words.ts';
import { measureWords, queries } from './report-words.ts';
import type { Report, ReportHighlights, ReportTopic } from './report.ts';

/**
 * `report` as an HTML page, complete in itself: styles and drawings are in it, it has no scripts, and its policy forbids
 * whatever could be loaded. All texts are escaped. The same report gives the same bytes.
 */
export function reportHtml(report: Report): string {
  const { title, highlights } = report;
  const legend = legendOf(highlights);
  const body = markup`<header>
<p class="kicker">Quern evaluation report</p>
<h1 dir="auto">${title}</h1>
${facts(report)}
${summarySentences(report)}
${report.traffic ? markup`<p class="note">Judgements are made from clicks. What these cannot tell stands under Traffic.</p>` : null}
</header>
<main>
<section><h2>Measures</h2>
${measureTable(report)}
${comparisonTable(report)}
${runTable(report)}
</section>
${report.traffic ? trafficSection(report.traffic) : null}${highlights.map((each, i) => highlightSection(report, each, i, i === 0 ? legend : null))}
</main>
<footer><p>Nothing in this file is loaded from elsewhere, and it can be kept or sent as it is. The same evaluation gives the same file.</p></footer>`;
  return page({ title, style: reportStyle, body });
}

function facts({ collection, topics, scoring, k, runs }: Report): Markup {
  return markup`<dl class="facts">${fact('Collection', collection)}${fact('Queries', count(topics.length))}${fact('Retriever', scoring)}${fact('Depth of rankings', k === null ? null : count(k))}${fact('Runs', ...runs.map(({ name }) => name))}</dl>`;
}

function fact(name: string, ...values: (string | null)[]): Markup | null {
  const known = values.flatMap((value) => (value === null ? [] : [isolated(value)]));
  if (known.length === 0) return null;
  const list = known.flatMap((value, i) => (i === 0 ? [value] : [', ', value]));
  return markup`<div><dt>${name}</dt><dd>${list}</dd></div>`;
}

function legendOf(highlights: readonly ReportHighlights[]): Markup | null {
  const marked = highlights
    .flatMap(({ best, worst }) => [...best, ...worst])
    .flatMap(({ marking }) => (marking && marking.segments.length > 0 ? [marking.of] : []));
  return marked.length === 0 ? null : markLegend(marked.includes('reasoned'));
}

function highlightSection(
  report: Report,
  highlights: ReportHighlights,
  i: number,
  legend: Markup | null,
): Markup {
  const { run, against, best, worst } = highlights;
  const { label } = measureWords(report.measures[0]);
  const list = (topics: readonly ReportTopic[], none: string): Markup =>
    topics.length === 0
      ? markup`<p class="note">${none}</p>`
      : markup`${topics.map((topic, place) => topicDetails(topic, highlights, place === 0))}`;
  if (against === null) {
    return markup`<section><h2>Query by query</h2>
${valueChart(report, highlights, i)}
${legend}
<h3>Highest ${label}</h3>
${list(best, 'There is none.')}
<h3>Lowest ${label}</h3>
${list(worst, 'There is no other query.')}
</section>
`;
  }
  return markup`<section><h2>Query by query: ${isolated(run)}</h2>
${valueChart(report, highlights, i)}
${legend}
<h3>Gained most</h3>
${list(best, 'No query gained.')}
<h3>Lost most</h3>
${list(worst, 'No query lost.')}
</section>
`;
}

/** All topics of a run, sorted by gain on the baseline; of one run, by value. */
function valueChart(report: Report, { run, against }: ReportHighlights, i: number): Markup {
  const { label } = measureWords(report.measures[0]);
  const { values } = report.runs.find(({ name }) => name === run)!;
  const baseline = against === null ? null : report.runs[0].values;
  const bars = report.topics
    .map((topic, place): Bar => {
      const value = values[place];
      if (baseline === null) return { topic, value };
      const before = baseline[place];
      return { topic, value: value - before, detail: `${decimal(before, 3)} → ${decimal(value, 3)}` };
    })
    .sort((a, b) => b.value - a.value);
  const comparison = report.comparisons.find(
    (each) => each.run === run && each.measure === report.measures[0],
  );
  const what = comparison ? `Gain in ${label}` : label;
  const order = comparison ? 'the most gained first' : 'the highest first';
  const sides = comparison
    ? `${count(comparison.wins)} gain, ${count(comparison.ties)} stay the same, ${count(comparison.losses)} lose`
    : `from ${decimal(bars[0].value, 3)} down to ${decimal(bars.at(-1)!.value, 3)}`;
  const chart = barChart(bars, {
    key: `chart-${i + 1}`,
    title: `${what} of each query${against === null ? '' : `, ${isolatedPlain(run)} against ${isolatedPlain(against)}`}`,
    description: `${queries(bars.length)}, ${order}: ${sides}.`,
    differences: comparison !== undefined,
  });
  const ends = comparison
    ? markup`<p class="sides"><span class="gain">${count(comparison.wins)} better</span><span class="soft">${count(comparison.ties)} the same</span><span class="loss">${count(comparison.losses)} worse</span></p>`
    : null;
  return markup`<figure><figcaption>${what}${against === null ? null : markup` over ${isolated(against)}`}, a bar for each of ${queries(bars.length)}, ${order}. Point at a bar for its query.</figcaption>
${chart}
${ends}</figure>`;
}
