import { QuernError } from '../errors.ts';
import type { Reasoner } from '../reason/reasoner.ts';
import type { Warnings } from '../warnings.ts';
import type { OnWork } from '../work.ts';
import type { PositiveSettings } from './positives.ts';
import type { PostSource } from './sources/post-source.ts';
import type { SplitShares } from './split.ts';
import { paperDomains, paperPerDomain } from './stack-exchange.ts';
import type { StageName, StageRecord } from './stage-record.ts';
import type { FilterSettings } from './stages/filter.ts';
import type { ReasonBudget } from './stages/reason.ts';

/** Where positives are from: the data's own answers, a reasoner, or both. */
export const positiveKinds = ['answers', 'reasoned', 'both'] as const;

/** Where positives are from: the data's own answers, a reasoner, or both. */
export type PositiveKind = (typeof positiveKinds)[number];

/**
 * How a training set is curated. Where nothing is given: of Stack Exchange, 1,200 questions of a domain (of the preferences data,
 * of the paper's nine), of 50 to 16,000 characters, in English, and answers of 30 characters at least and a score of 1; of own
 * data all questions, in any language, and answers from a score of 0. Of both at most 5 positives, 5 % of the questions each for
 * validation and test, and questions count as the same from a similarity of 0.7.
 */
export interface CurateOptions {
  /** The folder of the data set. Beside it, `OUT.work` keeps what was done until it is finished. */
  readonly out: string;
  readonly positives?: PositiveKind;
  /** What answers the questions where positives are to be reasoned, opened by the caller; and how its name is recorded. */
  readonly reasoner?: { readonly reasoner: Reasoner; readonly name: string };
  readonly budget?: ReasonBudget;
  readonly leavesFailed?: boolean;
  /** The domains that are taken, or all. */
  readonly domains?: readonly string[] | 'all';
  readonly perDomain?: number | 'all';
  /**
   * How many questions of a domain are looked at at most, as a multiple of `perDomain`; not with `retrieval`, which needs
   * all.
   */
  readonly candidates?: number;
  /** Collections that the data is to be free of, beside BRIGHT. */
  readonly against?: readonly string[];
  /** The folder of the same questions as a collection for retrieval. */
  readonly retrieval?: string;
  readonly seed?: number;
  readonly filter?: Partial<FilterSettings> & { readonly language?: string };
  readonly positive?: Partial<PositiveSettings>;
  /** From which share of shingles in common two questions are the same. */
  readonly similarity?: number;
  readonly shares?: Partial<SplitShares>;
  readonly think?: boolean;
  /** The hosts of the dumps' sites. */
  readonly sites?: readonly string[];
  /** The documents of a query log. */
  readonly corpus?: string;
  /** The stage to stop after; the folder of the work is left. */
  readonly until?: StageName;
  /** Whether the folder of the work is left at the end as well. */
  readonly keepsWork?: boolean;
  readonly data?: string;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
  /** Told of each stage that is done, and whether an earlier run did it. */
  readonly onStage?: (record: StageRecord, wasDone: boolean) => void;
  readonly warnings?: Warnings;
}

/** What a run does, with all defaults filled in: all that its outcome depends on beside the sources. */
export interface CurateSettings {
  readonly positives: PositiveKind;
  readonly reasoner: string | null;
  readonly seed: number;
  readonly domains: readonly string[] | 'all';
  readonly perDomain: number | 'all';
  readonly candidates: number | 'all';
  readonly filter: FilterSettings;
  readonly similarity: number;
  readonly positive: PositiveSettings;
  readonly shares: SplitShares;
  readonly think: boolean;
  readonly retrieval: boolean;
}

/**
 * The settings of a run. For Stack Exchange: of the preferences data the paper's nine domains, 1,200 questions of a domain, at
 * most 16,000 characters and at least 50, English; answers of 30 characters at least and a score of 1. For own data: all
 * questions, in any language, of one character at least, and answers from a score of 0. For both: at most 5 positives, no gap
 * between their scores; 5 % of questions each for validation and test; questions are the same from a similarity of 0.7. Throws
 * `USAGE` for what is out of range or does not go together.
 */
export function settingsOf(
  sources: readonly Pick<PostSource, 'kind'>[],
  options: CurateOptions,
): CurateSettings {
  const isStackExchange = sources.some(({ kind }) => kind === 'dump' || kind === 'preferences');
  const isPreferences = sources.every(({ kind }) => kind === 'preferences');
  const { positives = 'answers', reasoner, seed = 0, think = false, similarity = 0.7 } = options;
  if (positives !== 'answers' && !reasoner) {
    throw new QuernError('USAGE', `--positives ${positives} needs a reasoner`, {
      hint: 'Name it: --reasoner openai:MODEL@URL',
    });
  }
  if (reasoner?.name === 'none') {
    throw new QuernError('USAGE', 'none writes no text, which a positive has to be', { where: '--reasoner' });
  }
  if (positives === 'answers' && reasoner) {
    throw new QuernError('USAGE', 'a reasoner is not used for --positives answers', {
      hint: 'Leave it out, or say --positives reasoned or both',
    });
  }
  if (options.corpus !== undefined && !sources.some(({ kind }) => kind === 'log')) {
    throw new QuernError('USAGE', 'a corpus is of a query log, and no source is one', {
      where: '--corpus',
      hint: 'A query log is named log:FILE',
    });
  }
  if (!reasoner && (options.budget || options.leavesFailed)) {
    throw new QuernError('USAGE', 'a budget and what failed are of a reasoner, and there is none', {
      hint: 'Name it: --positives reasoned --reasoner openai:MODEL@URL',
    });
  }
  if (options.retrieval !== undefined && sources.some(({ kind }) => kind === 'log')) {
    throw new QuernError('USAGE', 'a query log is a collection already', {
      where: '--retrieval',
      hint: 'Measure on it with quern eval log:FILE --index FOLDER',
    });
  }
  const domains = options.domains ?? (isPreferences ? paperDomains : 'all');
  const perDomain = options.perDomain ?? (isStackExchange ? paperPerDomain : 'all');
  const factor = options.candidates ?? 8;
  const takesAll = perDomain === 'all' || options.retrieval !== undefined;
  const filter: FilterSettings = {
    mostCharacters: options.filter?.mostCharacters ?? 16_000,
    leastCharacters: options.filter?.leastCharacters ?? (isStackExchange ? 50 : 1),
    ...languageOf(options.filter?.language ?? (isStackExchange ? 'en' : 'any')),
  };
  const positive: PositiveSettings = {
    most: options.positive?.most ?? 5,
    leastScore: options.positive?.leastScore ?? (isStackExchange ? 1 : 0),
    leastCharacters: options.positive?.leastCharacters ?? (isStackExchange ? 30 : 1),
    ...(options.positive?.scoreGap !== undefined && { scoreGap: options.positive.scoreGap }),
  };
  check(
    filter.leastCharacters <= filter.mostCharacters,
    'the fewest characters of a question',
    `at most the most, ${filter.mostCharacters}`,
  );
  const shares = { validation: options.shares?.validation ?? 0.05, test: options.shares?.test ?? 0.05 };
  check(
    shares.validation >= 0 && shares.test >= 0 && shares.validation + shares.test <= 1,
    'the shares of validation and test',
    'numbers of 0 or more, together at most 1',
  );
  check(
    similarity >= 0.5 && similarity <= 1,
    'the similarity',
    'a number from 0.5, from where near-duplicates are found reliably, to 1',
  );
  check(Number.isSafeInteger(seed), 'the seed', 'a whole number');
  return {
    positives,
    reasoner: reasoner?.name ?? null,
    seed,
    domains: domains === 'all' ? 'all' : [...new Set(domains)],
    perDomain,
    candidates: takesAll ? 'all' : perDomain * factor,
    filter,
    similarity,
    positive,
    shares,
    think,
    retrieval: options.retrieval !== undefined,
  };
}

function languageOf(code: string): { language?: string } {
  if (code === 'any') return {};
  if (/^[a-z]{2}$/.test(code)) return { language: code };
  throw new QuernError('USAGE', `${JSON.stringify(code)} is no language`, {
    where: '--language',
    hint: 'Write its ISO 639-1 code, such as en, or any',
  });
}

function check(isInRange: boolean, what: string, range: string): void {
  if (!isInRange) throw new QuernError('USAGE', `${what}: must be ${range}`);
}
