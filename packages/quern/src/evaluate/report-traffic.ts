/** The section of a report on the traffic of a query log. */
import { isolated, markup, type Markup } from '../report/markup.ts';
import { scrolling } from './report-measures.ts';
import { decimal } from '../report/words.ts';
import { measureWords, queries, signed } from './report-words.ts';
import type { ReasonerTraffic, TrafficReport } from './traffic.ts';
import {
  costRows,
  currenciesOf,
  hasCost,
  logRows,
  partWords,
  percent,
  percentInterval,
  sharesOf,
} from './traffic-words.ts';

/** What reasoning would do to the traffic, at what cost, and what clicks cannot tell of it. */
export function trafficSection(traffic: TrafficReport): Markup {
  const { reasoners, caveats } = traffic;
  const rows = logRows(traffic).map(
    ([name, number, words]) =>
      markup`<tr><th scope="row">${name}</th><td class="n">${number}</td><td>${words}</td></tr>\n`,
  );
  return markup`<section><h2>Traffic</h2>
<p>Judgements are made from the clicks of a query log; here a query counts as often as it was searched for. Counted: ${partWords(traffic.log)}.</p>
${reasoners.length === 0 ? null : sharesTable(traffic)}
${reasoners.length === 0 ? null : costTable(reasoners)}
<h3>What clicks cannot tell</h3>
<ul class="caveats">${caveats.map((caveat) => markup`<li>${caveat}</li>\n`)}</ul>
<h3>What became of the log</h3>
${scrolling(
  'log',
  markup`<table class="means"><caption><span id="log" class="unseen">Searches of the log, those left out and those counted.</span></caption>
<tbody>${rows}</tbody></table>`,
)}
</section>
`;
}

function sharesTable(traffic: TrafficReport): Markup {
  const { reasoners, judged, unknown, baseline, baselineMean, measure, tolerance } = traffic;
  const { label } = measureWords(measure);
  const rows = reasoners.map((each) => {
    const cells = sharesOf(each).map(
      ({ ofJudged, interval, ofAll }) =>
        markup`<td class="n">${percent(ofJudged)} <span class="soft">${percentInterval(interval)}</span><span class="range">${percent(ofAll)} of all</span></td>`,
    );
    const { low, high } = each.interval;
    return markup`<tr><th scope="row" class="run">${isolated(each.run)}</th><td class="drawn">${shareBar(each, unknown.ofAll)}</td>${cells}<td class="n">${decimal(each.mean, 4)}</td><td class="n">${signed(each.difference, 4)}<span class="range">[${decimal(low, 4)}, ${decimal(high, 4)}]</span></td></tr>\n`;
  });
  return markup`${scrolling(
    'traffic',
    markup`<table class="runs"><caption><span id="traffic">Shares of the judged traffic, and of all of it.</span></caption>
<thead><tr><th scope="col">Run</th><th scope="col" class="drawn">All traffic</th><th scope="col" class="n gain">Helped</th><th scope="col" class="n">As good</th><th scope="col" class="n loss">Hurt</th><th scope="col" class="n">${label}</th><th scope="col" class="n">Difference</th></tr></thead>
<tbody>${rows}</tbody></table>`,
  )}
<p class="note">Helped and hurt are more than ${tolerance} away from ${isolated(baseline)} (${decimal(baselineMean, 4)}) in ${label}. Of ${percent(unknown.ofAll)} of all traffic, ${queries(unknown.queries)}, nothing is known: the empty part of the bars. In brackets, 95 % bootstrap intervals over ${queries(judged.queries)}.</p>`;
}

/** All traffic as a line: helped, as good, hurt, and the unknown rest empty. */
function shareBar(each: ReasonerTraffic, unknown: number): Markup {
  const sides = ['gain', 'even', 'loss'];
  let at = 0;
  const parts = sharesOf(each).map(({ ofAll }, i) => {
    const part = markup`<path class="${sides[i]}" d="M${place(at)} 0H${place(at + ofAll)}v12H${place(at)}z"/>`;
    at += ofAll;
    return part;
  });
  const [helped, same, hurt] = sharesOf(each).map(({ ofAll }) => percent(ofAll));
  return markup`<svg class="shares" viewBox="0 0 200 12" preserveAspectRatio="none" role="img" aria-label="${helped} helped, ${same} as good, ${hurt} hurt, ${percent(unknown)} unknown">${parts}<path class="frame" d="M0 0H200V12H0z"/></svg>`;
}

function place(share: number): string {
  return String(Math.round(share * 2000) / 10);
}

function costTable(reasoners: readonly ReasonerTraffic[]): Markup {
  const known = reasoners.filter(hasCost);
  const missing = reasoners.filter((each) => !hasCost(each)).map(({ run }) => isolated(run));
  const without =
    missing.length === 0
      ? null
      : markup` The cost of ${missing.flatMap((run, i) => (i === 0 ? [run] : [', ', run]))} is not known: it was recorded before.`;
  if (known.length === 0) return markup`<p class="note">${without}</p>`;
  const currencies = currenciesOf(reasoners);
  const groups = known.map((each) => {
    const rows = costRows(each, currencies).map(
      ([name, ...amounts]) =>
        markup`<tr><th scope="row">${name}</th>${amounts.map((amount) => markup`<td class="n">${amount}</td>`)}</tr>\n`,
    );
    const columns = 4 + currencies.length;
    return markup`<tbody><tr><th class="group" scope="rowgroup" colspan="${columns}">${isolated(each.run)}</th></tr>\n${rows}</tbody>`;
  });
  return markup`${scrolling(
    'cost',
    markup`<table class="means"><caption><span id="cost">What reasoning costs.</span></caption>
<thead><tr><th scope="col">For</th><th scope="col" class="n">Tokens read</th><th scope="col" class="n">Tokens written</th><th scope="col" class="n">Time</th>${currencies.map((currency) => markup`<th scope="col" class="n">${currency}</th>`)}</tr></thead>
${groups}</table>`,
  )}
<p class="note">Measured on the judged queries, of which the others are taken to be like. With a cache, a spelling of a query costs once. A dash: not known.${without}</p>`;
}
