/** The closer look at a topic: its texts with what they match marked, and the rankings side by side. */
import type { Marking, Segment } from './report-marking.ts';
import { isolated, markup, type Markup } from '../report/markup.ts';
import { count, decimal, shortened } from '../report/words.ts';
import { finishWords, signed } from './report-words.ts';
import type { ReportHit, ReportTopic } from './report.ts';

/** Whose topics these are. */
export interface TopicRuns {
  readonly run: string;
  readonly against: string | null;
}

/** Queries up to this length are shown whole in their topic's head. */
const headLength = 400;

/** A topic as an element that opens and closes. */
export function topicDetails(topic: ReportTopic, runs: TopicRuns, open: boolean): Markup {
  const { id, query, value, baseline, reasoned, marking } = topic;
  const change = baseline === null ? decimal(value, 3) : signed(value - baseline, 3);
  const side = baseline === null ? '' : value > baseline ? 'gain' : value < baseline ? 'loss' : '';
  const values = baseline === null ? null : markup` · ${decimal(baseline, 3)} → ${decimal(value, 3)}`;
  const name = markup`<bdi class="id">${id}</bdi>`;
  const head =
    query === null
      ? markup`<p class="query">${name}</p><p class="about">${values === null ? '' : markup`${decimal(baseline!, 3)} → ${decimal(value, 3)}`}</p>`
      : markup`<p class="query" dir="auto">${shortened(query, headLength)}</p><p class="about">${name}${values}</p>`;
  const searched = [
    ...(query !== null && query.length > headLength ? [prose('Query', query, marking, 'query')] : []),
    ...(reasoned !== null && reasoned.text.trim() !== '' && reasoned.text !== query
      ? [prose(`Reasoned query, ${finishWords[reasoned.finish]}`, reasoned.text, marking, 'reasoned')]
      : marking?.of === 'query' && query !== null && query.length <= headLength
        ? [prose('Query, as it was searched', query, marking, 'query')]
        : []),
  ];
  return markup`<details class="topic"${open ? markup` open` : null}><summary><span class="change ${side}">${change}</span>${head}</summary>
<div class="inside">${searching(searched, marking)}
${rankings(topic, runs)}
${relevantRanks(topic, runs)}</div></details>
`;
}

function searching(texts: readonly Markup[], marking: Marking | null): Markup | null {
  if (!marking) return texts.length === 0 ? null : markup`${texts}`;
  const against = [
    marking.relevant &&
      markup`<bdi class="id">${marking.relevant.id}</bdi>, which is relevant (${rankWords(marking.relevant.rank)})`,
    marking.other &&
      markup`<bdi class="id">${marking.other.id}</bdi>, which is not (${rankWords(marking.other.rank)})`,
  ].filter((each) => each !== null);
  const held =
    against.length === 0
      ? null
      : markup`<p class="note">Held against ${against.flatMap((each, i) => (i === 0 ? [each] : [', and ', each]))}.</p>`;
  return markup`<div class="beside"><div>${texts}${held}</div><div>${termTable(marking)}</div></div>`;
}

function prose(title: string, text: string, marking: Marking | null, of: Marking['of']): Markup {
  const content = marking?.of === of ? marking.segments.map(segment) : text;
  return markup`<h4>${title}</h4><p class="prose" dir="auto">${content}</p>`;
}

function segment({ text, mark, share, strength, brought }: Segment): Markup | string {
  if (mark === undefined) return text;
  return markup`<mark class="${mark === 'relevant' ? 'r' : 'o'}${strength ?? 1}${brought ? ' new' : ''}" title="${percent(share ?? 0)}">${text}</mark>`;
}

function termTable({ of, terms }: Marking): Markup | null {
  if (terms.length === 0) return null;
  const greatest = Math.max(...terms.flatMap((term) => [term.relevantShare ?? 0, term.otherShare ?? 0]));
  const part = (share: number | null, kind: string): Markup =>
    share === null
      ? markup`<td class="n part soft">–</td>`
      : markup`<td class="n part bar${kind}" style="--part:${Math.round((share / greatest) * 100)}%">${percent(share)}</td>`;
  const rows = terms.map(
    ({ term, relevantShare, otherShare, brought }) =>
      markup`<tr><th scope="row"><bdi>${term}</bdi>${brought || of === 'query' ? null : markup` <span class="soft">in query</span>`}</th>${part(relevantShare, '')}${part(otherShare, ' stray')}</tr>\n`,
  );
  return markup`<h4>What the scores are made of</h4><table><thead><tr><th scope="col">Term</th><th scope="col" class="n">Relevant</th><th scope="col" class="n">Other</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function percent(share: number): string {
  return share < 0.001 ? '< 0.1 %' : `${decimal(share * 100, 1)} %`;
}

function rankings({ hits, baselineHits }: ReportTopic, { run, against }: TopicRuns): Markup {
  if (baselineHits === null || against === null) return hitTable(run, hits, null);
  return markup`<div class="sides2"><div>${hitTable(against, baselineHits, 'now')}</div><div>${hitTable(run, hits, 'was')}</div></div>`;
}

/** A run's best hits; `elsewhere` heads their ranks in the other run. */
function hitTable(run: string, hits: readonly ReportHit[], elsewhere: 'was' | 'now' | null): Markup {
  const title = markup`<h4>${isolated(run)}</h4>`;
  if (hits.length === 0) return markup`${title}<p class="note">No document was found.</p>`;
  const digits = scoreDigits(hits);
  const rows = hits.map((hit) => {
    const moved =
      elsewhere === null
        ? null
        : markup`<td class="n">${hit.otherRank === null ? '–' : count(hit.otherRank)}${
            hit.otherRank !== null && hit.otherRank !== hit.rank
              ? markup` <span class="soft">${movement(hit, elsewhere)}</span>`
              : null
          }</td>`;
    return markup`<tr${hit.relevant ? markup` class="hit"` : null}><td class="n">${count(hit.rank)}</td>${documentCell(hit.id, hit.caption)}<td class="judged">${judgement(hit)}</td><td class="n">${decimal(hit.score, digits)}</td>${moved}</tr>\n`;
  });
  const last =
    elsewhere === null ? null : markup`<th scope="col" class="n">${elsewhere === 'was' ? 'Was' : 'Now'}</th>`;
  return markup`${title}<table class="hits"><thead><tr><th scope="col" class="n"><span class="unseen">Rank</span></th><th scope="col">Document</th><th scope="col">Judged</th><th scope="col" class="n">Score</th>${last}</tr></thead><tbody>${rows}</tbody></table>`;
}

function movement({ rank, otherRank }: ReportHit, elsewhere: 'was' | 'now'): string {
  const up = elsewhere === 'was' ? rank < otherRank! : otherRank! < rank;
  return up ? '↑' : '↓';
}

function documentCell(id: string, caption: string | null): Markup {
  return markup`<td class="doc"><bdi class="id">${id}</bdi>${
    caption === null || caption === '' ? null : markup`<span class="caption" dir="auto">${caption}</span>`
  }</td>`;
}

function judgement({ level, relevant }: ReportHit): Markup {
  if (level === null) return markup`<span class="soft" title="nobody judged it">–</span>`;
  return relevant
    ? markup`<span title="relevant, level ${level}">● ${level}</span>`
    : markup`<span class="soft" title="judged not relevant">○ ${level}</span>`;
}

function relevantRanks({ relevant, relevantTotal }: ReportTopic, { run, against }: TopicRuns): Markup {
  if (relevant.length === 0) return markup`<p class="note">No document is relevant to this query.</p>`;
  const rows = relevant.map(
    ({ id, level, rank, baselineRank, caption }) =>
      markup`<tr>${documentCell(id, caption)}<td class="n">${level}</td>${
        against === null ? null : markup`<td class="n">${rankText(baselineRank)}</td>`
      }<td class="n">${rankText(rank)}</td></tr>\n`,
  );
  const more = relevantTotal - relevant.length;
  return markup`<h4>Ranks of the relevant documents</h4><div class="scroll"><table class="ranks"><thead><tr><th scope="col">Document</th><th scope="col" class="n">Level</th>${
    against === null ? null : markup`<th scope="col" class="n run">${isolated(against)}</th>`
  }<th scope="col" class="n run">${isolated(run)}</th></tr></thead><tbody>${rows}</tbody></table></div>${
    more > 0 ? markup`<p class="note">And ${count(more)} more, ranked lower or not at all.</p>` : null
  }`;
}

function rankText(rank: number | null): string {
  return rank === null ? '–' : count(rank);
}

function rankWords(rank: number | null): string {
  return rank === null ? 'not ranked' : `rank ${count(rank)}`;
}

/** Decimals for the scores of one table: four significant digits of the greatest, whatever the retriever's scale. */
function scoreDigits(hits: readonly ReportHit[]): number {
  const greatest = Math.max(...hits.map(({ score }) => Math.abs(score)));
  return greatest >= 1000 ? 0 : greatest >= 100 ? 1 : greatest >= 10 ? 2 : greatest >= 0.1 ? 3 : 5;
}

/** What the marks in texts mean; `reasoned` says whether any of them is a reasoner's. */
export function markLegend(reasoned: boolean): Markup {
  const known = markup`<mark class="r1">few</mark> <mark class="r2">some</mark> <mark class="r3">much</mark>`;
  const entries: [Markup | string, string][] = reasoned
    ? [
        [
          markup`<mark class="r1 new">few</mark> <mark class="r2 new">some</mark> <mark class="r3 new">much</mark>`,
          'tinted: in the relevant document that stands highest, and brought by the reasoner',
        ],
        [known, 'not tinted: the same, but the query had the word already'],
        [
          markup`<mark class="o2 new">astray</mark> <mark class="o2">astray</mark>`,
          'dotted: only in the highest document that is not relevant; brought by the reasoner, and of the query',
        ],
      ]
    : [
        [known, 'in the relevant document that stands highest'],
        [markup`<mark class="o2">astray</mark>`, 'dotted: only in the highest document that is not relevant'],
      ];
  const list = [...entries, ['plain', 'in neither of the two'] as const].map(
    ([sample, meaning]) => markup`<div><dt>${sample}</dt><dd>${meaning}</dd></div>`,
  );
  return markup`<div class="legend">Words of the searched text are marked by what they match. The line under a word is the thicker${
    reasoned ? ', and its tint the darker,' : ''
  } the more of the document’s score the word brings; point at a word to read how much.
<dl>${list}</dl></div>`;
}
