import type { ProtectedCollection } from './against.ts';
import type { RetrievalCounts } from './output/retrieval-collection.ts';
import type { SplitName } from './split.ts';
import type { StageRecord } from './stage-record.ts';

/** Where the data came from, as the data set's record has it. */
export interface SourceFacts {
  readonly title: string;
  readonly kind: string;
  readonly bytes: number | null;
  /** Of files up to a GiB; null for others, and for those of the hub. */
  readonly sha256: string | null;
  /** The bytes of the dump's lists of links and of users, null where there is none. */
  readonly others: readonly (number | null)[];
  /** The host of the site, of a dump. */
  readonly site: string | null;
}

/** A histogram: how many values lie from each edge to the next. */
export interface Histogram {
  /** One more than there are counts; the last may be Infinity. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** A question that was kept or left out, for people to look at. */
export interface Example {
  readonly id: string;
  readonly domain: string;
  readonly url: string | null;
  /** The beginning of its text. */
  readonly text: string;
  /** Of one that was kept, the beginning of its best positive. */
  readonly positive: string | null;
  /** Of one that was left out, the stage and the reason. */
  readonly stage: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
}

/** What a domain came to. */
export interface DomainFacts {
  readonly domain: string;
  /** Questions that were converted to text. */
  readonly read: number;
  readonly kept: number;
  readonly splits: Readonly<Record<SplitName, number>>;
}

/** What a run came to: all that its report, its card and its record tell. */
export interface Curation {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly sources: readonly SourceFacts[];
  readonly stages: readonly StageRecord[];
  readonly against: readonly ProtectedCollection[];
  readonly splits: Readonly<Record<SplitName, number>>;
  readonly positives: number;
  readonly domains: readonly DomainFacts[];
  readonly histograms: {
    /** Of questions and positives, in characters. */
    readonly question: Histogram;
    readonly positive: Histogram;
    /** Positives of a question. */
    readonly positives: Histogram;
    /** Scores of the positives, as the preferences data counts. */
    readonly score: Histogram;
  };
  readonly kept: readonly Example[];
  readonly dropped: readonly Example[];
  readonly licences: Readonly<Record<string, number>>;
  readonly retrieval: RetrievalCounts | null;
}
