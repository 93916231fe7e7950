import type { ConfigAnswer } from '../../service/answers.ts';

/** An index, as far as `GET /v1/indexes` tells it. */
export interface IndexAnswer {
  readonly name: string;
  /** The retriever where a request names none. */
  readonly retriever: string;
  readonly documents?: number;
  readonly analyzer?: string;
  readonly stored?: boolean;
  /** Whether `GET /v1/indexes/NAME/questions` has any. */
  readonly hasQuestions?: boolean;
}

/** What the service is, as the page needs it. */
export interface Served {
  readonly config: ConfigAnswer & {
    /** What names stand for on the command line, told by a service for this machine alone. */
    readonly declared?: Readonly<
      Record<'indexes' | 'retrievers' | 'reasoners' | 'rerankers', Readonly<Record<string, string>>>
    >;
  };
  readonly indexes: readonly IndexAnswer[];
}

/** The ways of combining the question with its reasoned query. */
export const combinations = ['replace', 'concat', 'interpolate', 'rrf'] as const;

/** What is asked, and how. */
export interface Choices {
  readonly question: string;
  readonly index: string;
  readonly reasoner: string;
  /** Empty: the index's own. */
  readonly retriever: string;
  /** As the service takes it, e.g. `concat:2`. */
  readonly combine: string;
  readonly k: number;
  readonly earlyStop: boolean;
  readonly gate: boolean;
  /** Empty: none. */
  readonly reranker: string;
  /** A share; 0: left as they are. */
  readonly keyTerms: number;
  readonly rounds: number;
}

/** The most hits that are taken apart. */
export const mostHits = 100;

/** Whether a reasoner's name is of one that the service declares. */
function isModel(name: string): boolean {
  return name !== 'none' && name !== 'rm3';
}

/** What is chosen where an address says nothing. */
export function defaultChoices({ config }: Served): Choices {
  return {
    question: '',
    index: config.indexes[0] ?? '',
    reasoner: config.reasoners.find(isModel) ?? 'rm3',
    retriever: '',
    combine: 'replace',
    k: Math.min(10, config.limits.k),
    earlyStop: false,
    gate: true,
    reranker: '',
    keyTerms: 0,
    rounds: 1,
  };
}

/** What an address says, the rest as it is by default. Names are taken as they are: the service says where there are none such. */
export function choicesIn(params: URLSearchParams, served: Served): Choices {
  const base = defaultChoices(served);
  const name = (key: string, without: string): string => params.get(key) ?? without;
  const combine = name('combine', base.combine);
  return {
    question: name('q', ''),
    index: name('index', base.index),
    reasoner: name('reasoner', base.reasoner),
    retriever: name('retriever', base.retriever),
    combine: isCombination(combine) ? combine : base.combine,
    k: numberIn(params.get('k'), { least: 1, most: mostHits, without: base.k, isWhole: true }),
    earlyStop: params.get('early') === '1',
    gate: params.get('gate') !== '0',
    reranker: name('reranker', base.reranker),
    keyTerms: numberIn(params.get('key'), { least: 0, most: 0.99, without: 0 }),
    rounds: numberIn(params.get('rounds'), { least: 1, most: 5, without: 1, isWhole: true }),
  };
}

/** What an address says of choices: all that another service could have other defaults for, and what is no default. */
export function paramsOf(choices: Choices): Record<string, string | undefined> {
  const { question, index, reasoner, retriever, combine, k, reranker, keyTerms, rounds } = choices;
  return {
    q: question,
    index,
    reasoner,
    retriever,
    combine,
    k: String(k),
    early: choices.earlyStop ? '1' : undefined,
    gate: choices.gate ? undefined : '0',
    reranker,
    key: keyTerms > 0 ? String(keyTerms) : undefined,
    rounds: rounds > 1 ? String(rounds) : undefined,
  };
}

/** The body of `POST /v1/search` for choices; what is as it would be without is left out. */
export function searchBody(choices: Choices): Record<string, unknown> {
  const { question, index, reasoner, retriever, combine, k, reranker, keyTerms, rounds } = choices;
  return {
    query: question,
    index,
    reasoner,
    ...(retriever !== '' && { retriever }),
    combine,
    k,
    ...(choices.earlyStop && { earlyStop: true }),
    ...(!choices.gate && { gate: false }),
    ...(reranker !== '' && { reranker }),
    ...(keyTerms > 0 && { keyTerms }),
    ...(rounds > 1 && { rounds }),
    explain: true,
  };
}

/** The same search without reasoning. */
export function plainBody(choices: Choices): Record<string, unknown> {
  const { question, index, retriever, k, reranker } = choices;
  return {
    query: question,
    index,
    reasoner: 'none',
    ...(retriever !== '' && { retriever }),
    k,
    ...(reranker !== '' && { reranker }),
    explain: true,
  };
}

/** A combination's kind and its number, where it has one. */
export function combinationParts(combine: string): { readonly kind: string; readonly number?: number } {
  const [kind = '', number] = combine.split(':');
  return number === undefined ? { kind } : { kind, number: Number(number) };
}

/** The combination of a kind and a number; where the number is none that it takes, the usual one: once, or half and half. */
export function combinationOf(kind: string, number?: number): string {
  if (kind === 'concat') {
    const isCount = number !== undefined && Number.isInteger(number) && number >= 1 && number <= 100;
    return `concat:${isCount ? number : 1}`;
  }
  if (kind === 'interpolate') {
    const isShare = number !== undefined && number >= 0 && number <= 1;
    return `interpolate:${isShare ? number : 0.5}`;
  }
  return kind;
}

function isCombination(combine: string): boolean {
  const { kind, number } = combinationParts(combine);
  return combinations.some((each) => each === kind) && combinationOf(kind, number) === combine;
}

/** The number in a text, held between what it may be. */
export function numberIn(
  text: string | null,
  {
    least,
    most,
    without,
    isWhole = false,
  }: { readonly least: number; readonly most: number; readonly without: number; readonly isWhole?: boolean },
): number {
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) return without;
  return Math.min(most, Math.max(least, isWhole ? Math.round(value) : value));
}
