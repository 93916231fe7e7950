import { openCollection } from '../collections/collection.ts';
import { QuernError } from '../errors.ts';
import type { Bm25Parameters, Scoring } from '../lexical/bm25.ts';
import { openCollectionIndex } from '../lexical/collection-index.ts';
import type { ReasonedQuery } from '../reason/reasoner.ts';
import { reasoningTotals, type ReasoningTotals } from '../reason/reasoning-totals.ts';
import { preparedReasoner, type ReasonerSettings } from '../reason/reasoners.ts';
import type { GateRecord } from '../search/gate-file.ts';
import { LexicalRetriever } from '../search/lexical-retriever.ts';
import { factSettings } from '../search/query-facts.ts';
import { Background } from '../search/background.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import type { Warnings } from '../warnings.ts';
import { silentWork } from '../work.ts';
import type { PairedComparison } from './comparison.ts';
import type { GateSettings } from './gate-calibration.ts';
import { answerCandidates, type AnswerCandidate } from './tuning-candidates.ts';
import { tuned, type Tuning } from './tuning.ts';
import { tuningMeasurements, type MeasuringOptions } from './tuning-measurements.ts';

/** What {@link tuneNamed} tunes on, and with what. */
export interface NamedTuningOptions extends MeasuringOptions, GateSettings {
  readonly data?: string;
  readonly split?: string;
  /** The folder of the collection's index: opened, or built there. Without it, an index is built for the moment. */
  readonly index?: string;
  readonly analyzer?: string;
  /** The collection's own default when not given. */
  readonly scoring?: Scoring;
  /** BM25's k1 and b. Default 0.9 and 0.4. */
  readonly parameters?: Bm25Parameters;
  /** Reasoned queries that backgrounds are learnt from, which are then tried too. */
  readonly background?: readonly string[];
  readonly reasoner: string;
  /** How it is opened. */
  readonly reasoning?: ReasonerSettings;
  readonly warnings?: Warnings;
}

/** A tuning of a collection by its name. */
export interface NamedTuning extends Tuning {
  readonly collection: string;
  readonly scoring: Scoring;
  /** What was chosen. */
  readonly planning: AnswerCandidate['planning'];
  /** One a topic. */
  readonly reasoned: readonly ReasonedQuery[];
  readonly reasoning: ReasoningTotals;
  /** What goes into the gate's file. */
  readonly gateRecord: GateRecord;
}

/** Opens a collection, its index and a reasoner, and tunes on them. Throws `USAGE` for the reasoner `none`, too. */
export async function tuneNamed(name: string, options: NamedTuningOptions): Promise<NamedTuning> {
  const { warnings, signal, onWork = () => silentWork } = options;
  if (options.reasoner === 'none') {
    throw new QuernError(
      'USAGE',
      'with the reasoner none there is nothing to combine or to stand aside from',
    );
  }
  const { data, split } = options;
  const collection = await openCollection(name, { data, split, warnings, signal });
  const settings = { ...options.reasoning, warnings, onWork };
  const prepare = await preparedReasoner(options.reasoner, settings);
  let work = silentWork;
  const opened = await openCollectionIndex(collection, {
    folder: options.index,
    analyzer: options.analyzer,
    warnings,
    signal,
    onBuild: (bytes) => (work = onWork(`indexing ${collection.name}`, bytes ?? 0)),
    onProgress: (_, bytes) => work.update(bytes),
  }).finally(() => work.stop());
  try {
    const { index } = opened;
    const scoring = options.scoring ?? collection.defaultScoring;
    const { parameters } = options;
    const retriever = new LexicalRetriever(index, scoring, parameters);
    const reasoner = prepare({ index, scoring, parameters });
    const backgrounds = backgroundsOf(options, index);
    try {
      const measured = await tuningMeasurements(
        collection,
        { reasoner, retriever },
        { candidates: (reasoned) => answerCandidates(reasoned, { backgrounds }), ...options },
      );
      const tuning = tuned(measured, options);
      const { length } = measured.topics;
      if (options.folds !== undefined && options.folds > length) {
        warnings?.add(
          `${options.folds} folds of ${length} topics are ${length}, each a topic`,
          collection.name,
        );
      }
      return {
        ...tuning,
        collection: collection.name,
        scoring,
        planning: measured.plannings[tuning.combination.place],
        reasoned: measured.reasoned,
        reasoning: reasoningTotals(measured.reasoned),
        gateRecord: gateRecord(tuning, collection.name, retriever, options),
      };
    } finally {
      await reasoner.close();
    }
  } finally {
    await opened.close();
  }
}

/** The powers of a background that are tried. */
const backgroundPowers: readonly number[] = [0.5, 1];

function backgroundsOf({ background }: NamedTuningOptions, { analyzer }: LexicalIndex): Background[] {
  if (!background) return [];
  return backgroundPowers.map((power) => Background.of(background, analyzerNamed(analyzer), power));
}

function gateRecord(
  { combination, gate }: Tuning,
  collection: string,
  { id: scoring, index, parameters }: LexicalRetriever,
  { split, reasoner, measure, worth = 0, folds = 5, seed = 1 }: NamedTuningOptions,
): GateRecord {
  const { evidence } = gate;
  const { analyzer, documents } = index.facts;
  const { topics, against, ...figures } = evidence;
  return {
    format: 'quern gate',
    version: 1,
    rule: gate.rule,
    facts: factSettings,
    calibration: {
      collection,
      ...(split === undefined ? {} : { split }),
      topics,
      index: { analyzer, documents, ...index.statistics },
      scoring,
      parameters,
      reasoner,
      combine: combination.chosen,
      measure: measure.name,
      worth,
      folds,
      seed,
    },
    evidence: {
      ...figures,
      differences: {
        sameCost: difference(against.sameCost, against.sameCost.p),
        always: difference(against.always, against.always.randomisation.p),
        never: difference(against.never, against.never.randomisation.p),
      },
    },
  };
}

function difference(
  { difference: mean, interval }: Pick<PairedComparison, 'difference' | 'interval'>,
  p: number,
): { mean: number; interval: PairedComparison['interval']; p: number } {
  return { mean, interval, p };
}
