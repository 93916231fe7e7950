import type { SampledCompletion, SampledQuestion } from '../../../../quern/src/train/watch/wire.ts';

/** A question that was answered at two steps. */
export interface FixedQuestion {
  readonly question: string;
  readonly first: SampledQuestion;
  readonly now: SampledQuestion;
}

/** What the completions of a question come to. Figures that are not known are absent. */
export interface Outcome {
  readonly completions: number;
  readonly reward?: number;
  /** Of a completion, in tokens. */
  readonly length?: number;
  /** Completions from which no reasoned query could be read. */
  readonly failed: number;
}

/** The questions that are in both, in the order of the first: the same by their ids, and where one has none by their texts. */
export function fixedQuestions(
  first: readonly SampledQuestion[],
  now: readonly SampledQuestion[],
): FixedQuestion[] {
  const byId = new Map(now.flatMap((each) => (each.id === undefined ? [] : [[each.id, each] as const])));
  const byText = new Map(now.map((each) => [each.question, each]));
  return first.flatMap((each) => {
    const known = each.id === undefined ? undefined : byId.get(each.id);
    const same = known?.question === each.question ? known : byText.get(each.question);
    return same === undefined ? [] : [{ question: each.question, first: each, now: same }];
  });
}

/** What came of questions: means over all of their completions. */
export function outcomeOf(questions: readonly SampledQuestion[]): Outcome {
  const all = questions.flatMap(({ completions }) => completions);
  const reward = meanOf(all.flatMap((each) => each.reward ?? []));
  const length = meanOf(all.flatMap((each) => each.tokens ?? []));
  return {
    completions: all.length,
    failed: all.filter(({ failure }) => failure !== undefined).length,
    ...(reward !== undefined && { reward }),
    ...(length !== undefined && { length }),
  };
}

/** The completion of a question with the highest reward, or with the middle one; without rewards, the first. */
export function completionOf(
  { completions }: SampledQuestion,
  which: 'best' | 'median',
): SampledCompletion | undefined {
  const ordered = completions.toSorted((a, b) => (b.reward ?? -Infinity) - (a.reward ?? -Infinity) || 0);
  return ordered[which === 'best' ? 0 : ordered.length >> 1];
}

function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
