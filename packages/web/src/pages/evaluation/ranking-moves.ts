import type { TopicAnswer } from './saved.ts';

/** Where a document of a ranking stands in the other one. */
export interface Move {
  /** Undefined where it is not among what is known of the other. */
  readonly otherRank: number | undefined;
  /** What is said of it. */
  readonly words: string;
  readonly side: 'up' | 'down' | 'same' | 'new';
}

/**
 * What moved, of a document at `rank` that stands at `otherRank` in the other ranking, of which so many ranks are known: from there to
 * here, or from here to there.
 */
export function moveOf(
  rank: number,
  otherRank: number | undefined,
  other: Pick<TopicAnswer, 'retrieved' | 'ranking'>,
  direction: 'from' | 'to',
): Move {
  if (otherRank === undefined) {
    const isWhole = other.retrieved <= other.ranking.length;
    return { otherRank, words: isWhole ? 'not there' : `beyond ${other.ranking.length}`, side: 'new' };
  }
  const by = direction === 'from' ? otherRank - rank : rank - otherRank;
  if (by === 0) return { otherRank, words: 'same', side: 'same' };
  return { otherRank, words: `${by > 0 ? '▲' : '▼'} ${Math.abs(by)}`, side: by > 0 ? 'up' : 'down' };
}

/** The ranks that are known of a topic's documents: those of the ranking, as far as it was read, and of all relevant ones. */
export function ranksOf({
  ranking,
  relevant,
}: Pick<TopicAnswer, 'ranking' | 'relevant'>): ReadonlyMap<string, number> {
  return new Map(
    [...relevant, ...ranking].flatMap(({ id, rank }) => (rank === undefined ? [] : [[id, rank] as const])),
  );
}

/** A relevant document and where two rankings have it. */
export interface RelevantDocument {
  readonly id: string;
  readonly level: number;
  readonly a: number | undefined;
  readonly b: number | undefined;
  /** What became of it from `a` to `b`. */
  readonly words: string;
  readonly side: 'up' | 'down' | 'same' | 'found' | 'lost' | 'neither';
}

/** The relevant documents of a topic in two rankings, those first that stand highest in either. */
export function relevantDocuments(
  a: Pick<TopicAnswer, 'relevant'>,
  b: Pick<TopicAnswer, 'relevant'>,
): RelevantDocument[] {
  const [ranksA, ranksB] = [a, b].map(({ relevant }) => new Map(relevant.map(({ id, rank }) => [id, rank])));
  const best = (document: RelevantDocument): number =>
    Math.min(document.a ?? Infinity, document.b ?? Infinity);
  // Where files of one run are damaged, those of the other tell what is relevant.
  const levels = new Map([...b.relevant, ...a.relevant].map(({ id, level }) => [id, level]));
  return Array.from(levels, ([id, level]): RelevantDocument => {
    const [ofA, ofB] = [ranksA.get(id), ranksB.get(id)];
    return { id, level, a: ofA, b: ofB, ...becameOf(ofA, ofB) };
  }).sort((one, other) => (best(one) === best(other) ? other.level - one.level : best(one) - best(other)));
}

function becameOf(a: number | undefined, b: number | undefined): Pick<RelevantDocument, 'words' | 'side'> {
  if (a === undefined)
    return b === undefined ? { words: 'in neither', side: 'neither' } : { words: 'found', side: 'found' };
  if (b === undefined) return { words: 'lost', side: 'lost' };
  if (a === b) return { words: 'same', side: 'same' };
  return a > b ? { words: `▲ ${a - b}`, side: 'up' } : { words: `▼ ${b - a}`, side: 'down' };
}
