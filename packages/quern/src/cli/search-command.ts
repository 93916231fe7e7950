import { Command } from 'commander';
import type { Hit } from '../collections/records.ts';
import { scorings, type Scoring } from '../lexical/bm25.ts';
import { LexicalIndex, type StoredDocument } from '../lexical/lexical-index.ts';
import { reasonedRecord } from '../reason/reasoned-record.ts';
import { preparedReasoner } from '../reason/reasoners.ts';
import { combineName } from '../search/combine.ts';
import type { SearchPlan, SegmentPlan } from '../lexical/search-plan.ts';
import { explainAnswer, type Explanation, type ExplainedHit } from '../search/explain.ts';
import { Background } from '../search/background.ts';
import { LexicalRetriever } from '../search/lexical-retriever.ts';
import { answer, type Answer } from '../search/pipeline.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { Warnings } from '../warnings.ts';
import { closeSoon } from './closing.ts';
import { interruptSignal } from './interrupt.ts';
import { checkQuestion, shared } from './options.ts';
import { oneLine } from '../one-line.ts';
import { durationText, labelled, note, print, printJson, printWarnings, table } from './output.ts';
import {
  addPlanningOptions,
  backgroundTexts,
  bm25Parameters,
  planned,
  type PlanningOptions,
} from './planning-options.ts';
import { failureLine, reasonedFacts } from './reasoned-facts.ts';
import { addReasonerOptions, reasonerSettings, type ReasonerOptions } from './reasoner-options.ts';

interface Options extends ReasonerOptions, PlanningOptions {
  readonly k: number;
  readonly scoring: Scoring;
  readonly reasoner: string;
  readonly explain?: boolean;
  readonly json?: boolean;
}

/** `quern search INDEX "question"` */
export function searchCommand(): Command {
  const command = new Command('search')
    .description('Answer one question from an index.')
    .argument('<index>', 'the folder of an index')
    .argument('<question>', 'the question')
    .addOption(shared.k(10))
    .addOption(shared.scoring().default(scorings[0]));
  return addReasonerOptions(addPlanningOptions(command))
    .option('--explain', 'show every stage: texts, terms with their weights and origin, milliseconds')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern search notes.index "why does my bread not rise"
  $ quern search notes.index "why does my bread not rise" --reasoner rm3 --explain
  $ quern search notes.index "why does my bread not rise" --reasoner llama:model.gguf --deadline 5s
  $ quern search notes.index "..." --reasoner file:reasoned.json --combine concat:1 --scoring bm25q --json`,
    )
    .action(run);
}

async function run(folder: string, question: string, options: Options): Promise<void> {
  checkQuestion(question);
  const warnings = new Warnings();
  const prepare = await preparedReasoner(options.reasoner, await reasonerSettings(options, warnings));
  const parameters = bm25Parameters(options);
  const learnt = await backgroundTexts(options);
  const signal = interruptSignal();
  const index = await LexicalIndex.open(folder);
  const reasoner = prepare({ index, scoring: options.scoring, parameters });
  try {
    const retriever = new LexicalRetriever(index, options.scoring, parameters);
    const background = learnt && Background.of(learnt.texts, analyzerNamed(index.analyzer), learnt.power);
    const pipeline = { ...planned(options), background, reasoner, retriever };
    const found = await answer(pipeline, question, { k: options.k, signal });
    const documents = new Map<string, StoredDocument>();
    for (const { id } of found.hits) {
      const document = await index.document(id);
      if (document) documents.set(id, document);
    }
    noteReasoning(found);
    const explanation = options.explain ? explainAnswer(found, retriever) : undefined;
    if (options.json) printJson(answerRecord(found, options, documents, explanation));
    else printAnswer(found, documents, explanation);
  } finally {
    await closeSoon(reasoner);
    await index.close();
    printWarnings(warnings);
  }
}

/** Says it where the question was searched as it is, though a reasoner was asked. */
function noteReasoning({ reasoned, searches }: Answer): void {
  const { reasoner, failure } = reasoned;
  if (failure) note(`quern: the question was searched as it is: ${failureLine(reasoner, failure)}`);
  else if (reasoner !== 'none' && searches.length === 1 && searches[0].from === 'query') {
    note(`quern: ${reasoner} added nothing: the question was searched as it is`);
  }
}

function answerRecord(
  found: Answer,
  { k, scoring, combine }: Options,
  documents: ReadonlyMap<string, StoredDocument>,
  explanation: Explanation | undefined,
): unknown {
  const reasoned = reasonedRecord(found.reasoned);
  return {
    query: found.query,
    reasoner: reasoned.reasoner,
    combine: combineName(combine),
    scoring,
    k,
    reasoned,
    hits: found.hits.map((hit, i) => ({
      ...hit,
      ...documents.get(hit.id),
      ...(explanation && { terms: explanation.hits[i].terms, ranks: explanation.hits[i].ranks }),
    })),
    ...(explanation && { searches: explanation.searches }),
    milliseconds: found.milliseconds,
  };
}

function printAnswer(
  found: Answer,
  documents: ReadonlyMap<string, StoredDocument>,
  explanation: Explanation | undefined,
): void {
  if (explanation) printStages(found, explanation);
  if (found.hits.length === 0) {
    print('No document has any of the terms.');
    return;
  }
  for (const [i, hit] of found.hits.entries()) {
    const document = documents.get(hit.id);
    print(hitLine(hit, document));
    if (document && document.text !== '') print(`      ${oneLine(document.text, 94)}`);
    if (explanation) printTerms(explanation.hits[i]);
  }
  if (explanation) {
    print();
    print(
      explanation.searches.length > 1
        ? 'Under each hit: its ranks in the two rankings, and what each brings to the score.'
        : 'Under each hit: what its terms brought to the score; + brought by the reasoner, * in both.',
    );
  }
}

function hitLine({ rank, score, id }: Hit, document: StoredDocument | undefined): string {
  const title = document && document.title !== '' ? `  ${oneLine(document.title, 80)}` : '';
  return `${String(rank).padStart(4)}  ${score.toFixed(4).padStart(9)}  ${oneLine(id)}${title}`;
}

function printStages(found: Answer, { searches }: Explanation): void {
  const { reasoned, milliseconds } = found;
  print(labelled('question   ', found.query, 2000));
  print(`reasoner   ${reasoned.reasoner}, ${reasonedFacts(reasoned)}`);
  if (reasoned.failure) print(labelled('failed     ', reasoned.failure.message, 2000));
  if (reasoned.text !== '') print(labelled('reasoned   ', reasoned.text, 4000));
  print(`retriever  ${found.retriever}, ${found.combine}, ${durationText(milliseconds.search)}`);
  for (const search of searches) {
    print();
    print(
      `searched with ${search.terms.length} term${search.terms.length === 1 ? '' : 's'} of the index (${search.from}):`,
    );
    for (const line of planLines(search.plan)) print(`  ${line}`);
    const shown = search.terms.slice(0, 30);
    print(
      table([
        ['  term', 'weight', 'documents', 'origin'],
        ...shown.map(({ term, weight, documents, origin }) => [
          `  ${oneLine(term, 40)}`,
          weight.toFixed(4),
          String(documents),
          origin,
        ]),
      ]),
    );
    if (search.terms.length > shown.length) print(`  … and ${search.terms.length - shown.length} more`);
  }
  print();
}

function printTerms({ terms, ranks }: ExplainedHit): void {
  if (ranks) {
    const parts = ranks.map(({ from, rank, share }) => `rank ${rank} for the ${from} ${share.toFixed(4)}`);
    print(`      ${parts.join(' + ')}`);
    return;
  }
  const shown = terms.slice(0, 8).map(({ term, share, origin }) => {
    const mark = origin === 'query' ? '' : origin === 'both' ? '*' : '+';
    return `${mark}${oneLine(term, 40)} ${share.toFixed(3)}`;
  });
  const more = terms.length > shown.length ? `, … ${terms.length - shown.length} more` : '';
  print(`      ${shown.join(', ')}${more}`);
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
    return `${way}: ${sum('postings')} postings, ${sum('documents')} documents, ${where}`;
  });
}
