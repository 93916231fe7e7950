import { compareBytes } from '../byte-order.ts';
import { compareHits } from '../collections/ranking-order.ts';
import type { Document, Hit } from '../collections/records.ts';
import type { FinishReason } from '../reason/reasoner.ts';
import { isTermRetriever, type Retriever } from '../search/retriever.ts';
import type { TopicAnswer } from './evaluation.ts';
import { isMissing, markingOf, type Marking } from './report-marking.ts';
import { shortened } from '../report/words.ts';

/** A document that a run ranks. */
export interface ReportHit {
  readonly id: string;
  readonly score: number;
  readonly rank: number;
  /** Level of relevance; `null` where nobody judged. */
  readonly level: number | null;
  readonly relevant: boolean;
  /** Its rank in the run that this one is held against; `null` where it is not there, or there is no such run. */
  readonly otherRank: number | null;
  /** Its title, or the beginning of its text; `null` where documents are not at hand. */
  readonly caption: string | null;
}

/** A relevant document of a topic and its ranks in both runs; `null` where a run does not have it. */
export interface ReportRelevant {
  readonly id: string;
  readonly level: number;
  readonly rank: number | null;
  readonly baselineRank: number | null;
  readonly caption: string | null;
}

/** What happened to one topic. */
export interface ReportTopic {
  readonly id: string;
  /** The query; `null` where only its rankings are known. */
  readonly query: string | null;
  /** The topic's value of the report's first measure. */
  readonly value: number;
  /** The same of the baseline; `null` in a report of one run. */
  readonly baseline: number | null;
  readonly reasoned: { readonly text: string; readonly finish: FinishReason } | null;
  /** `null` where the retriever does not score by terms or is not at hand. */
  readonly marking: Marking | null;
  readonly hits: readonly ReportHit[];
  readonly baselineHits: readonly ReportHit[] | null;
  /** The relevant documents, those first that stand highest; at most 20 of `relevantTotal`. */
  readonly relevant: readonly ReportRelevant[];
  readonly relevantTotal: number;
}

/** What a topic's record is made from. */
export interface TopicSources {
  readonly retriever?: Retriever;
  readonly document?: (id: string) => Promise<Pick<Document, 'title' | 'text'> | undefined>;
  /** How many hits of each run are kept. */
  readonly hitsShown: number;
  readonly relevanceLevel: number;
  readonly depth: number;
}

/** One topic of one run, beside the baseline's ranking of it if there is one. */
export interface TopicOutcome {
  readonly id: string;
  readonly judgements: ReadonlyMap<string, number>;
  readonly value: number;
  readonly baseline: number | null;
  readonly hits: readonly Hit[];
  readonly baselineHits: readonly Hit[] | null;
  readonly answer?: TopicAnswer;
}

const relevantShown = 20;
const captionLength = 120;

/** The record of one topic. */
export async function topicRecord(outcome: TopicOutcome, sources: TopicSources): Promise<ReportTopic> {
  const { id, judgements, answer } = outcome;
  const { retriever, hitsShown, relevanceLevel, depth } = sources;
  const ranking = ranked(outcome.hits, depth);
  const baseline = outcome.baselineHits && ranked(outcome.baselineHits, depth);
  const ranks = ranksOf(ranking);
  const baselineRanks = ranksOf(baseline ?? []);
  const captionOf = async (document: string): Promise<string | null> => {
    try {
      return caption(await sources.document?.(document));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };

  const shown = (
    hits: readonly Hit[],
    elsewhere: ReadonlyMap<string, number>,
  ): Promise<readonly ReportHit[]> =>
    Promise.all(
      hits.slice(0, hitsShown).map(async (hit) => {
        const level = judgements.get(hit.id) ?? -1;
        return {
          ...hit,
          level: level < 0 ? null : level,
          relevant: level >= relevanceLevel,
          otherRank: elsewhere.get(hit.id) ?? null,
          caption: await captionOf(hit.id),
        };
      }),
    );

  const relevant = [...judgements]
    .filter(([, level]) => level >= relevanceLevel)
    .map(([document, level]) => ({
      id: document,
      level,
      rank: ranks.get(document) ?? null,
      baselineRank: baselineRanks.get(document) ?? null,
    }))
    .sort(
      (a, b) =>
        compareRanks(a.rank, b.rank) ||
        compareRanks(a.baselineRank, b.baselineRank) ||
        b.level - a.level ||
        compareBytes(a.id, b.id),
    );
  const marks = answer && retriever && answer.retriever === retriever.id && isTermRetriever(retriever);
  return {
    id,
    query: answer?.query ?? null,
    value: outcome.value,
    baseline: outcome.baseline,
    reasoned: answer ? { text: answer.reasoned.text, finish: answer.reasoned.finish } : null,
    marking: marks
      ? markingOf(answer, retriever, { ranking, relevant: relevant.map((each) => each.id) })
      : null,
    hits: await shown(ranking, baselineRanks),
    baselineHits: baseline && (await shown(baseline, ranks)),
    relevant: await Promise.all(
      relevant.slice(0, relevantShown).map(async (each) => ({ ...each, caption: await captionOf(each.id) })),
    ),
    relevantTotal: relevant.length,
  };
}

/** A ranking as measures see it: in the order of {@link compareHits}, cut at `depth`. */
function ranked(hits: readonly Hit[], depth: number): Hit[] {
  return [...hits]
    .sort(compareHits)
    .slice(0, depth)
    .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
}

function ranksOf(hits: readonly Hit[]): Map<string, number> {
  return new Map(hits.map(({ id, rank }) => [id, rank]));
}

/** Ascending, documents without a rank last. */
function compareRanks(a: number | null, b: number | null): number {
  return a === b ? 0 : (a ?? Infinity) - (b ?? Infinity);
}

function caption(document: Pick<Document, 'title' | 'text'> | undefined): string | null {
  if (!document) return null;
  const text = (document.title.trim() || document.text.trim()).replaceAll(/\s+/gu, ' ');
  return shortened(text, captionLength);
}
