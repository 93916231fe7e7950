import { QuernError, throwIfAborted } from '../errors.ts';
import { lexicalPartOf } from './lexical-part.ts';
import {
  clarity,
  documentModelWeight,
  normalizedQueryCommitment,
  preRetrieval,
  scoreCoverage,
  scoreGap,
  scoreLead,
  scoreMagnitudeAndVariance,
  scoreOfCorpus,
  weightedInformationGain,
  type ScoredVector,
} from './performance-predictors.ts';
import { queryTraits } from './query-traits.ts';
import type { Retriever, SearchOptions } from './retriever.ts';

/** Facts that the query's text gives: see `QueryTraits`. */
const traitNames = [
  'words',
  'characters',
  'names',
  'quotations',
  'identifiers',
  'numbers',
  'formulas',
  'asks',
  'nonAscii',
  'nonLatin',
] as const;
/** Facts that the query's terms and the index give: see `PreRetrieval`. */
const termFactNames = ['averageIdf', 'maxIdf', 'averageScq', 'maxScq', 'knownTerms'] as const;
/** Facts that the scores of the query's own ranking give. */
const scoreFactNames = ['nqc', 'smv', 'wig', 'gap', 'lead', 'coverage'] as const;

/** Names of all facts: from the text, from its terms, from its ranking, and from the documents of that; the cheap first. */
export const factNames = [...traitNames, ...termFactNames, ...scoreFactNames, 'clarity'] as const;

/** The name of a fact. */
export type FactName = (typeof factNames)[number];

/** What each fact is, in words for those who read a gate. */
export const factWords: Readonly<Record<FactName, string>> = {
  words: 'words of the question',
  characters: 'characters of the question',
  names: 'share of its words that are capitalised within a sentence',
  quotations: 'strings in quotation marks',
  identifiers: 'share of its words that read like code',
  numbers: 'share of its words that have a digit',
  formulas: 'pieces of LaTeX',
  asks: '1 if a sentence begins like a question, else 0',
  nonAscii: 'share of its letters outside of ASCII',
  nonLatin: 'share of its letters outside of the Latin script',
  averageIdf: 'how rare its terms are, on average',
  maxIdf: 'how rare its rarest term is',
  averageScq: 'how well its terms are covered by the corpus, on average',
  maxScq: 'how well its best covered term is covered by the corpus',
  knownTerms: 'share of its terms that the index knows',
  nqc: 'how far the scores of its 100 best documents spread',
  smv: 'how far the scores of its 100 best documents spread, weighted by their size',
  wig: 'how far its 5 best documents score above the corpus',
  gap: 'how far its best document is ahead of the second',
  lead: 'how far its best document is ahead of the 100 best on average',
  coverage: 'how near its best document comes to the highest score possible',
  clarity: 'how far the language of its best documents is from the corpus’s',
};

/** How the facts are computed, as far as numbers say it: those that a threshold is for. */
export const factSettings = {
  /** Depth of the ranking for nqc, smv and lead, as Shtok et al. 2012 take for short queries. */
  depth: 100,
  /** Depth for wig, as Zhou and Croft 2007. */
  wigDepth: 5,
  /** Documents for clarity: fewer than in the paper (500), since each is read from the index's file. */
  clarityDocuments: 50,
  clarityDocumentWeight: documentModelWeight,
} as const;

/**
 * The facts about a query that have the given names. What none of them asks for is not done: traits need no index, and
 * predictors before retrieval need no search; others need one, for the query as it stands. Throws `USAGE` where they need
 * a lexical index and the retriever has none (of a hybrid it is that of its lexical part), `ABORTED`, and what searching throws.
 */
export async function queryFacts<Name extends FactName>(
  query: string,
  retriever: Retriever,
  names: readonly Name[],
  { excluded, signal }: Pick<SearchOptions, 'excluded' | 'signal'> = {},
): Promise<Record<Name, number>> {
  const facts = new Map<FactName, number>(Object.entries(queryTraits(query)) as [FactName, number][]);
  const asksFor = (some: readonly FactName[]): boolean => names.some((name) => some.includes(name));
  if (asksFor([...termFactNames, ...scoreFactNames, 'clarity'])) {
    const lexical = lexicalPartOf(retriever);
    if (!lexical) {
      throw new QuernError('USAGE', `${retriever.id} has no index to tell ${names.join(', ')}`, {
        hint: 'Use a lexical retriever or a hybrid with one, or a gate that looks at the text alone',
      });
    }
    const { index } = lexical;
    const { statistics } = index;
    const frequency = (term: string): number => index.documentFrequency(term);
    const terms = lexical.spans(query).map(({ term }) => term);
    for (const [name, value] of Object.entries(preRetrieval(terms, frequency, statistics))) {
      facts.set(name as FactName, value);
    }
    if (asksFor([...scoreFactNames, 'clarity'])) {
      const weights = lexical.weights(query);
      const hits = await lexical.search(weights, { k: factSettings.depth, excluded, signal });
      const scores = hits.map(({ score }) => score);
      const ofCorpus = scoreOfCorpus(weights, frequency, statistics, lexical.parameters);
      facts
        .set('nqc', normalizedQueryCommitment(scores, ofCorpus))
        .set('smv', scoreMagnitudeAndVariance(scores, ofCorpus))
        .set('wig', weightedInformationGain(scores.slice(0, factSettings.wigDepth), ofCorpus, weights.size))
        .set('gap', scoreGap(scores))
        .set('lead', scoreLead(scores))
        .set('coverage', scoreCoverage(scores, weights, frequency, statistics));
      if (asksFor(['clarity'])) {
        const documents: ScoredVector[] = [];
        for (const { id, score } of hits.slice(0, factSettings.clarityDocuments)) {
          throwIfAborted(signal);
          documents.push({ score, vector: await index.vector(id) });
        }
        facts.set('clarity', clarity(documents, frequency, index.facts.postings));
      }
    }
  }
  return Object.fromEntries(names.map((name) => [name, facts.get(name)!])) as Record<Name, number>;
}
