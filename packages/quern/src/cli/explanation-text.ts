import type { SearchPlan, SegmentPlan } from '../lexical/search-plan.ts';
import { signed } from '../evaluate/report-words.ts';
import { oneLine } from '../one-line.ts';
import type { ReasonedQuery } from '../reason/reasoner.ts';
import type { ExplainedHit, ExplainedTerm, Explanation, TermOrigin } from '../search/explain.ts';
import type { GateDecision } from '../search/gate.ts';
import { shortNumber } from '../search/gate-rule.ts';
import type { Answer } from '../search/pipeline.ts';
import { factWords, type FactName } from '../search/query-facts.ts';
import { durationText, labelled, print, table } from './output.ts';
import { reasonedFacts } from './reasoned-facts.ts';

const termsShown = 30;
const sharesShown = 8;
const factsShown = 5;

/** Before a term: who brought it. */
const marks: Readonly<Record<TermOrigin, string>> = { query: '', both: '*', reasoned: '+', feedback: '~' };

/** Prints how an answer came to be, stage by stage: the gate, each text and what was cut of it, each search. */
export function printStages(found: Answer, { searches }: Explanation): void {
  const { reasoned, milliseconds, gate, rounds, probing } = found;
  print(labelled('question   ', found.query, 2000));
  if (gate) printGate(gate);
  if (rounds && rounds.length > 1) {
    print(`reasoner   ${reasoned.reasoner}, ${rounds.length} rounds, ${reasonedFacts(reasoned)}`);
    for (const [i, round] of rounds.entries()) {
      for (const { id, text } of round.passages) print(labelled('  shown    ', `${id}: ${text}`, 400));
      printReasoned(round.reasoned, `round ${i + 1}    `);
    }
  } else if (reasoned.parts) {
    print(`reasoner   ${reasoned.reasoner}, ${reasonedFacts(reasoned)}`);
    for (const [i, part] of reasoned.parts.entries()) printReasoned(part, `part ${i + 1}     `);
  } else printReasoned(reasoned, 'reasoner   ');
  if (probing) {
    print(`early stop ${probing.probes} looks at the ranking, ${durationText(probing.milliseconds)}`);
  }
  print(`retriever  ${found.retriever}, ${found.combine}, ${durationText(milliseconds.search)}`);
  if (found.reranking) {
    const { reranker, depth, milliseconds: taken, failure } = found.reranking;
    const what = failure ? 'none, as it failed,' : `the best ${depth}`;
    print(`reranked   ${what} by ${oneLine(reranker, 80)}, ${durationText(taken)}`);
  }
  for (const [i, search] of searches.entries()) {
    printSearch(search, searches.length > 1 ? `search ${i + 1}, with` : 'searched with');
  }
  print();
}

/** Prints what a gate decided, and the facts that had most say in it, in words. */
function printGate({ reasons, why, facts, shares }: GateDecision): void {
  print(labelled('gate       ', `${reasons ? 'reason' : 'stand aside'}: ${why}`, 2000));
  const names = Object.keys(facts);
  const say = (name: string): number => Math.abs(shares?.[name] ?? 0);
  const shown = names.toSorted((a, b) => say(b) - say(a)).slice(0, factsShown);
  for (const name of shown) {
    const share = shares?.[name];
    const brings = share === undefined ? '' : `, ${signed(share, 4)} to the gain`;
    const words = factWords[name as FactName];
    print(`  ${name} ${shortNumber(facts[name])}${brings}${words === undefined ? '' : `: ${words}`}`);
  }
  if (names.length > shown.length) print(`  … and ${names.length - shown.length} more facts`);
}

/** Prints what brought a hit its score. */
export function printTerms({ terms, ranks }: ExplainedHit): void {
  if (ranks) {
    const parts = ranks.map(
      ({ search, rank, share }) => `rank ${rank} in search ${search + 1} brings ${share.toFixed(4)}`,
    );
    print(`      ${parts.join(' + ')}`);
    return;
  }
  if (terms.length === 0) return;
  const shown = terms
    .slice(0, sharesShown)
    .map(({ term, share, origin }) => `${marks[origin]}${oneLine(term, 40)} ${share.toFixed(3)}`);
  const more = terms.length > shown.length ? `, … ${terms.length - shown.length} more` : '';
  print(`      ${shown.join(', ')}${more}`);
}

/** What is printed under hits, in words. */
export function hitLegend({ searches }: Explanation): string {
  if (searches.length > 1) {
    return `Under each hit: its ranks in the ${searches.length} searches, and what each brings to the score.`;
  }
  const origins = new Set(searches[0].terms.map(({ origin }) => origin));
  if (origins.size === 0)
    return 'The score of a hit is the similarity of its passages, put together as the index says (--passages).';
  const parts = [
    'Under each hit: what its terms brought to the score',
    ...(origins.has('query') && origins.size > 1 ? ['without a mark: of the question alone'] : []),
    ...(origins.has('reasoned') ? ['+ brought by the reasoner'] : []),
    ...(origins.has('both') ? ['* in the question and in the reasoned query'] : []),
    ...(origins.has('feedback') ? ['~ learnt from documents that were found'] : []),
  ];
  return `${parts.join('; ')}.`;
}

function printReasoned(reasoned: ReasonedQuery, label: string): void {
  print(`${label}${reasoned.reasoner}, ${reasonedFacts(reasoned)}`);
  if (reasoned.failure) print(labelled('  failed   ', reasoned.failure.message, 2000));
  if (reasoned.text !== '') print(labelled('  text     ', reasoned.text, 4000));
  for (const { why, text } of reasoned.cuts ?? []) {
    print(labelled('  cut      ', text.trim() === '' ? why : `${why}: ${text}`, 600));
  }
}

function printSearch(search: Explanation['searches'][number], label: string): void {
  const { terms, from, reasoner, retriever, text, plan, unknown, kept, dropped } = search;
  const whose = reasoner === undefined ? from : `${from}, ${oneLine(reasoner, 80)}`;
  const of = retriever === undefined ? whose : `${whose}, by ${oneLine(retriever, 80)}`;
  print();
  if (terms.length === 0 && unknown.length === 0) {
    print(`${label} the text (${of}):`);
    print(labelled('  ', text ?? '', 600));
    return;
  }
  print(`${label} ${terms.length} term${terms.length === 1 ? '' : 's'} of the index (${of}):`);
  for (const line of planLines(plan)) print(`  ${line}`);
  if (dropped) print(labelled('  too many for the cluster, not searched: ', dropped.join(', '), 600));
  if (kept) {
    const shares = `${percent(kept.before)} to ${percent(kept.after)}`;
    print(
      `  the question's rarest terms (${kept.terms.join(', ')}) were raised from ${shares} of the weight`,
    );
  }
  print(table(termRows(terms)));
  if (terms.length > termsShown) print(`  … and ${terms.length - termsShown} more`);
  if (unknown.length > 0) print(labelled('  in no document: ', unknown.join(', '), 600));
}

function termRows(terms: readonly ExplainedTerm[]): string[][] {
  const shown = terms.slice(0, termsShown);
  const hasBackground = shown.some(({ background }) => background !== undefined);
  return [
    ['  term', 'weight', ...(hasBackground ? ['background'] : []), 'documents', 'origin'],
    ...shown.map(({ term, weight, background, documents, origin }) => [
      `  ${oneLine(term, 40)}`,
      weight.toFixed(4),
      ...(hasBackground ? [background === undefined ? '' : `×${background.toFixed(2)}`] : []),
      String(documents),
      origin,
    ]),
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** How an index was searched: a line for each way in which some of its segments were. */
function planLines(plan: SearchPlan | undefined): string[] {
  const ways = new Map<string, SegmentPlan[]>();
  for (const segment of plan?.segments ?? []) {
    const way = `${segment.path} search (${segment.reason})`;
    ways.set(way, [...(ways.get(way) ?? []), segment]);
  }
  return Array.from(ways, ([way, segments]) => {
    const sum = (of: 'documents' | 'postings'): number =>
      segments.reduce((total, each) => total + each[of], 0);
    const where = segments.length === 1 ? '1 segment' : `${segments.length} segments`;
    const [postings, documents] = [sum('postings'), sum('documents')];
    return `${way}: ${postings} posting${postings === 1 ? '' : 's'}, ${documents} document${documents === 1 ? '' : 's'}, ${where}`;
  });
}
