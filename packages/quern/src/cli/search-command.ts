import { Command } from 'commander';
import type { Hit } from '../collections/records.ts';
import { scorings, type Scoring } from '../lexical/bm25.ts';
import { LexicalIndex, type StoredDocument } from '../lexical/lexical-index.ts';
import { reasonedRecord } from '../reason/reasoned-record.ts';
import { preparedReasoner } from '../reason/reasoners.ts';
import { combineName } from '../search/combine.ts';
import { explainAnswer, prepareExplanation, type Explanation } from '../search/explain.ts';
import { Background } from '../search/background.ts';
import {
  checkHasVectors,
  checkScoring,
  closeEmbedders,
  openEmbedders,
  openRetriever,
  retrieverNamed,
} from '../search/retrievers.ts';
import type { OpenRetriever } from '../search/retrievers.ts';
import type { Round } from '../search/reasoning-plan.ts';
import { answer, type Answer } from '../search/pipeline.ts';
import { openSearchedIndex, storedDocuments } from '../search/searched-index.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { Warnings } from '../warnings.ts';
import { closeSoon } from './closing.ts';
import { failuresInPart, noteReasons } from './failure-notes.ts';
import { addEmbedderOptions, embedderSettings, type EmbedderCommandOptions } from './dense-options.ts';
import { hitLegend, printStages, printTerms } from './explanation-text.ts';
import { warnOfIdleOptions } from './idle-options.ts';
import { interruptSignal } from './interrupt.ts';
import { checkQuestion, shared } from './options.ts';
import { oneLine } from '../one-line.ts';
import { note, print, printJson, printWarnings } from './output.ts';
import {
  addPlanningOptions,
  backgroundTexts,
  bm25Parameters,
  planned,
  type PlanningOptions,
} from './planning-options.ts';
import { failureLine } from './reasoned-facts.ts';
import { addReasonerOptions, reasonerSettings, type ReasonerOptions } from './reasoner-options.ts';

interface Options extends ReasonerOptions, PlanningOptions, EmbedderCommandOptions {
  readonly k: number;
  readonly scoring?: Scoring;
  readonly retriever?: string;
  readonly reasoner: string;
  readonly explain?: boolean;
  readonly json?: boolean;
}

/** `quern search INDEX "question"` */
export function searchCommand(): Command {
  const command = new Command('search')
    .description('Answer one question from an index.')
    .argument('<index>', 'the folder of an index, or opensearch:INDEX@URL')
    .argument('<question>', 'the question')
    .addOption(shared.k(10))
    .addOption(shared.scoring())
    .addOption(shared.retriever())
    .addOption(shared.reasoner().default('none'));
  return addReasonerOptions(addPlanningOptions(addEmbedderOptions(command)))
    .option('--explain', 'show every stage: texts, terms with their weights and origin, milliseconds')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern search notes.index "why does my bread not rise"
  $ quern search notes.index "why does my bread not rise" --reasoner rm3 --explain
  $ quern search notes.index "why does my bread not rise" --reasoner llama:model.gguf --deadline 5s
  $ quern search notes.index "..." --retriever hybrid:bm25+dense:onnx:Xenova/all-MiniLM-L6-v2
  $ quern search opensearch:notes@http://localhost:9200 "why does my bread not rise" --scoring bm25q
  $ quern search notes.index "..." --reasoner file:reasoned.json --combine concat:1 --scoring bm25q --json`,
    )
    .action(run);
}

async function run(folder: string, question: string, options: Options): Promise<void> {
  checkQuestion(question);
  const warnings = new Warnings();
  const prepare = await preparedReasoner(options.reasoner, await reasonerSettings(options, warnings));
  const parameters = bm25Parameters(options);
  const learnt = await backgroundTexts(options.background);
  const named = retrieverNamed(options.retriever ?? options.scoring ?? scorings[0]);
  checkScoring(named, options.scoring);
  checkHasVectors(named, folder);
  warnOfIdleOptions(options, [options.reasoner], named, warnings);
  const plan = await planned(options, warnings);
  const signal = interruptSignal();
  const scoring = options.scoring ?? named.scoring ?? scorings[0];
  const embedders = await openEmbedders(named, { ...embedderSettings(options, warnings), signal });
  const index = await openSearchedIndex(folder, signal).catch(async (error: unknown) => {
    await closeEmbedders(embedders);
    throw error;
  });
  const reasoner = prepare(index instanceof LexicalIndex ? { index, scoring, parameters } : undefined);
  let opened: OpenRetriever | undefined;
  try {
    opened = await openRetriever(named, embedders, { index, folder, parameters, warnings });
    const { retriever } = opened;
    const background =
      learnt && Background.of(learnt, analyzerNamed(index.analyzer), options.backgroundPower);
    const pipeline = { ...plan, background, reasoner, retriever };
    const found = await answer(pipeline, question, { k: options.k, signal });
    const documents = await storedDocuments(
      index,
      found.hits.map(({ id }) => id),
    );
    noteReasoning(found);
    if (options.explain) await prepareExplanation(found, retriever, signal);
    const explanation = options.explain ? explainAnswer(found, retriever, { background }) : undefined;
    if (options.json) {
      const record = answerRecord(found, { ...options, scoring: named.scoring }, documents, explanation);
      printJson({ ...record, warnings: warnings.list() });
    } else printAnswer(found, documents, explanation);
  } finally {
    await closeSoon(reasoner);
    await plan.rerank?.reranker.close();
    await opened?.close();
    await closeEmbedders(embedders);
    await index.close();
    printWarnings(warnings);
  }
}

/** Says it where the question was searched as it is, though a reasoner was asked. */
function noteReasoning(found: Answer): void {
  const { reasoned, searches, reranking } = found;
  if (reranking?.failure) {
    note(`quern: the hits were not reranked: ${failureLine(reranking.reranker, reranking.failure)}`);
  }
  const { reasoner, failure } = reasoned;
  const inPart = failuresInPart(found);
  if (inPart.length > 0) {
    note('quern: a part of the reasoning failed, and the question was searched with the rest:');
    noteReasons(inPart);
  }
  if (reasoned.skipped !== undefined) note(`quern: not reasoned about: ${reasoned.skipped}`);
  else if (failure) note(`quern: the question was searched as it is: ${failureLine(reasoner, failure)}`);
  else if (reasoner !== 'none' && searches.length === 1 && searches[0].from === 'query') {
    note(`quern: ${reasoner} added nothing: the question was searched as it is`);
  }
}

function answerRecord(
  found: Answer,
  { k, scoring, combine }: Pick<Options, 'k' | 'scoring' | 'combine'>,
  documents: ReadonlyMap<string, StoredDocument>,
  explanation: Explanation | undefined,
): object {
  const reasoned = reasonedRecord(found.reasoned);
  return {
    query: found.query,
    reasoner: reasoned.reasoner,
    combine: combineName(combine),
    retriever: found.retriever,
    ...(scoring && { scoring }),
    k,
    ...(found.reranking && { reranking: found.reranking }),
    reasoned,
    hits: found.hits.map((hit, i) => ({
      ...hit,
      ...documents.get(hit.id),
      ...(explanation && { terms: explanation.hits[i].terms, ranks: explanation.hits[i].ranks }),
    })),
    ...(found.gate && { gate: found.gate }),
    ...(explanation && {
      searches: explanation.searches,
      ...(found.rounds && { rounds: found.rounds.map(roundRecord) }),
      ...(found.probing && { probing: found.probing }),
    }),
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
    print('No document was found.');
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
    print(hitLegend(explanation));
  }
}

function hitLine({ rank, score, id }: Hit, document: StoredDocument | undefined): string {
  const title = document && document.title !== '' ? `  ${oneLine(document.title, 80)}` : '';
  return `${String(rank).padStart(4)}  ${score.toFixed(4).padStart(9)}  ${oneLine(id)}${title}`;
}

function roundRecord({ reasoned, passages }: Round): unknown {
  return { reasoned: reasonedRecord(reasoned), passages };
}
