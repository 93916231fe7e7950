/** The page of a curation: one file without scripts that asks for nothing from anywhere. */
import { isolated, isolatedPlain, markup, Markup } from '../../report/markup.ts';
import { page } from '../../report/page.ts';
import { reportStyle } from '../../report/style.ts';
import { count, decimal } from '../../report/words.ts';
import type { Curation, Example, Histogram } from '../curation.ts';
import { stageWords } from '../stage-words.ts';
import type { StageRecord } from '../stage-record.ts';

const style = `${reportStyle}
.funnel { width: 100%; border-collapse: collapse }
.funnel .bar { width: 42% }
@media (max-width: 40rem) { .funnel .bar { width: 24% } .funnel th:first-child { min-width: 9rem }
  .domains th, .domains td { padding-right: .45rem; font-size: .82rem } }
.bars { display: block; width: 100%; height: 1.1rem }
.bars .kept { fill: var(--gain) } .bars .left { fill: var(--loss); fill-opacity: .45 }
.reasons { display: block; color: var(--soft); font-size: .82rem }
.histograms { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem 2.5rem }
.histograms figure { margin: 0 }
.histograms table { font-size: .82rem }
.histograms td, .histograms th { padding: .12rem .7rem .12rem 0; border-bottom: 0 }
.histograms .bar { width: 60% }
.histograms .bars .kept { fill: var(--soft) }
.example { border-top: 1px solid var(--rule); padding: .8rem 0 }
.example:last-of-type { border-bottom: 1px solid var(--rule) }
.example .where { color: var(--soft); font-size: .82rem; margin: 0 0 .3rem; max-width: none }
.example blockquote { margin: .3rem 0; max-width: 46rem; white-space: pre-line; overflow-wrap: anywhere }
.example .positive { padding-left: 1rem; border-left: 2px solid var(--gain); color: var(--soft); font-size: .92rem }
.why { color: var(--loss) }
`;

/** A curation as an HTML page, complete in itself; all texts are escaped. The same curation gives the same bytes. */
export function curationHtml(curation: Curation): string {
  const { name, stages, splits, against, kept, dropped } = curation;
  const total = splits.train + splits.validation + splits.test;
  const read = stages[0]?.questionsIn ?? 0;
  const body = markup`<header>
<p class="kicker">Quern curation report</p>
<h1 dir="auto">${name}</h1>
${facts(curation)}
<p class="lede"><b>${count(total)}</b> of ${count(read)} questions are left, with <b>${count(curation.positives)}</b> positive documents: ${count(splits.train)} to train with, ${count(splits.validation)} to validate, ${count(splits.test)} to test.</p>
</header>
<main>
<section><h2>What each stage left</h2>
${funnel(stages, read)}
${faultTable(stages)}
<p class="note">${against.length === 0 ? 'Held against no benchmark.' : markup`Held against ${against.map(({ collection, texts }, i) => markup`${i === 0 ? '' : ', '}${isolated(collection)} (${count(texts)} texts)`)}.`}</p>
</section>
<section><h2>Domains</h2>
${domainTable(curation)}
</section>
<section><h2>Lengths and scores</h2>
<div class="histograms">
${histogram('Questions, by characters', curation.histograms.question)}
${histogram('Positives, by characters', curation.histograms.positive)}
${histogram('Questions, by how many positives they have', curation.histograms.positives)}
${histogram('Positives, by score (log2 of 1 + votes, rounded; 1 more if accepted)', curation.histograms.score)}
</div>
</section>
<section><h2>Examples kept</h2>
${kept.length === 0 ? markup`<p class="note">None was kept.</p>` : kept.map(example)}
</section>
<section><h2>Examples left out</h2>
${dropped.length === 0 ? markup`<p class="note">None was left out.</p>` : dropped.map(example)}
</section>
</main>
<footer><p>Nothing in this file is loaded from elsewhere. Texts are of their authors, whom dataset.json names with the licence of each post.</p></footer>`;
  return page({ title: name, style, body });
}

function facts({ sources, options }: Curation): Markup {
  const entries: [string, string][] = [
    [
      sources.length === 1 ? 'Source' : 'Sources',
      sources
        .map(({ title }) => title)
        .slice(0, 12)
        .join(', '),
    ],
    ['Positives', String(options['positives'])],
    ['Seed', String(options['seed'])],
  ];
  return markup`<dl class="facts">${entries.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${isolated(value)}</dd></div>`)}</dl>`;
}

function funnel(stages: readonly StageRecord[], read: number): Markup {
  const rows = stages.map(({ stage, questionsIn, questionsOut, dropped }) => {
    const reasons = Object.entries(dropped).map(([reason, times]) => `${reason} ${count(times)}`);
    return markup`<tr><th scope="row">${stageWords[stage]} <span class="id soft">${stage}</span>${reasons.length === 0 ? null : markup`<span class="reasons">${reasons.join(' · ')}</span>`}</th><td class="bar">${bar(questionsOut, questionsIn, read)}</td><td class="n">${count(questionsOut)}</td><td class="n soft">${questionsIn === questionsOut ? '' : `−${count(questionsIn - questionsOut)}`}</td></tr>
`;
  });
  return markup`<div class="scroll"><table class="funnel"><thead><tr><th scope="col">stage</th><th scope="col"><span class="unseen">share</span></th><th scope="col" class="n">questions left</th><th scope="col" class="n">left out</th></tr></thead><tbody>
${rows}</tbody></table></div>`;
}

/** A bar of what is left, and behind it what was there before. */
function bar(left: number, before: number, most: number): Markup {
  const width = (value: number): string => ((1000 * value) / Math.max(1, most)).toFixed(1);
  return markup`<svg class="bars" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true"><rect class="left" x="0" y="3" width="${width(before)}" height="14"/><rect class="kept" x="0" y="3" width="${width(left)}" height="14"/></svg>`;
}

function faultTable(stages: readonly StageRecord[]): Markup | null {
  const faults = stages.flatMap(({ faults: own = [] }) => own);
  if (faults.length === 0) return null;
  const rows = faults.map(
    ({ kind, count: times, places }) =>
      markup`<tr><th scope="row">${isolated(kind)}</th><td class="n">${count(times)}</td><td class="soft">${places.map((place, i) => markup`${i === 0 ? '' : ', '}${isolated(place)}`)}</td></tr>
`,
  );
  return markup`<div class="scroll"><table><caption>What was odd in the data, and passed over</caption><thead><tr><th scope="col">what</th><th scope="col" class="n">times</th><th scope="col">first at</th></tr></thead><tbody>
${rows}</tbody></table></div>`;
}

function domainTable({ domains }: Curation): Markup {
  const rows = domains.map(
    ({ domain, read, kept, splits }) =>
      markup`<tr><th scope="row">${isolated(domain)}</th><td class="n">${count(read)}</td><td class="n">${count(kept)}</td><td class="n">${read === 0 ? '–' : `${decimal((100 * kept) / read, 0)} %`}</td><td class="n">${count(splits.train)}</td><td class="n">${count(splits.validation)}</td><td class="n">${count(splits.test)}</td></tr>
`,
  );
  return markup`<div class="scroll"><table class="domains"><thead><tr><th scope="col">domain</th><th scope="col" class="n">read</th><th scope="col" class="n">kept</th><th scope="col" class="n">share</th><th scope="col" class="n">train</th><th scope="col" class="n">validation</th><th scope="col" class="n">test</th></tr></thead><tbody>
${rows}</tbody></table></div>`;
}

function histogram(title: string, { edges, counts }: Histogram): Markup {
  const most = Math.max(1, ...counts);
  if (counts.every((each) => each === 0)) return new Markup('');
  const first = counts.findIndex((each) => each > 0);
  const last = counts.findLastIndex((each) => each > 0);
  const rows = counts.flatMap((each, i) => {
    if (first < 0 || i < first || i > last) return [];
    return [
      markup`<tr><th scope="row" class="n">${edgeText(edges, i)}</th><td class="bar">${bar(each, each, most)}</td><td class="n">${count(each)}</td></tr>
`,
    ];
  });
  return markup`<figure><table><caption>${title}</caption><tbody>${rows}</tbody></table></figure>
`;
}

function edgeText(edges: readonly number[], i: number): string {
  const [from, to] = [edges[i], edges[i + 1]];
  if (to === Infinity) return `${count(from)} and more`;
  return to === from + 1 ? count(from).replace('-', '−') : `${count(from)}–${count(to - 1)}`;
}

function example({ id, domain, text, positive, stage, reason, detail }: Example): Markup {
  const why =
    reason === null
      ? null
      : markup` · <span class="why">${reason}</span>${stage === null ? null : markup` (${stage})`}${detail === null ? null : markup`: ${isolated(detail)}`}`;
  return markup`<article class="example" title="${isolatedPlain(id)}">
<p class="where"><span class="id">${isolated(id)}</span> · ${isolated(domain)}${why}</p>
<blockquote dir="auto">${text}</blockquote>
${positive === null ? null : markup`<blockquote class="positive" dir="auto">${positive}</blockquote>`}
</article>
`;
}
