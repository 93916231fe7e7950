import { compareBytes } from '../../byte-order.ts';
import { shortened } from '../../report/words.ts';
import type { Curation, Example } from '../curation.ts';
import type { Author } from '../post.ts';
import type { TextQuestion } from '../question.ts';
import type { QuestionSet } from '../question-set.ts';
import { splitOf, type SplitName } from '../split.ts';
import type { Dropped, StageName } from '../stage-record.ts';
import type { SplitInput } from '../split-input.ts';
import { Counting, doublingEdges, wholeEdges } from './histogram.ts';

/** How many examples are shown, and how much of a text. */
const examples = 20;
const exampleCharacters = 600;

/** What a pass over all questions finds out. */
export interface Survey extends Pick<
  Curation,
  'positives' | 'domains' | 'histograms' | 'kept' | 'dropped' | 'licences'
> {
  /** The authors of the posts that are kept. */
  readonly authors: Iterable<Author>;
  /** The numbers of the questions that were left out as duplicates. */
  readonly duplicates: ReadonlySet<number>;
}

/** Looks at all questions once: counts, lengths, scores, examples. */
export async function survey(
  set: QuestionSet,
  { positivesOf, shares, dropped, signal }: Pick<SplitInput, 'positivesOf' | 'shares' | 'dropped' | 'signal'>,
): Promise<Survey> {
  const domains = new Map<string, { read: number; kept: number; splits: Record<SplitName, number> }>();
  const lengths = {
    question: new Counting(doublingEdges(64, 10)),
    positive: new Counting(doublingEdges(64, 12)),
    positives: new Counting(wholeEdges(1, 10)),
    score: new Counting(wholeEdges(-1, 12)),
  };
  const licences = new Map<string, number>();
  const authors = new Map<string, Author>();
  const first: { draw: number; example: Example }[] = [];
  let positives = 0;
  const attribute = ({ licence, author }: Pick<TextQuestion, 'licence' | 'author'>): void => {
    const stated = licence ?? 'not stated';
    licences.set(stated, (licences.get(stated) ?? 0) + 1);
    if (author?.profile !== undefined) authors.set(author.profile, author);
  };
  for await (const { n, question } of set.everything(signal)) {
    const { id, domain, draw, text, url = null } = question;
    let facts = domains.get(domain);
    if (!facts) {
      facts = { read: 0, kept: 0, splits: { train: 0, validation: 0, test: 0 } };
      domains.set(domain, facts);
    }
    facts.read++;
    if (set.dropped[n] === 1) continue;
    facts.kept++;
    facts.splits[splitOf(question, shares)]++;
    const { answers, reasoned } = positivesOf(n, question);
    const texts = [...answers.map((answer) => answer.text), ...(reasoned === undefined ? [] : [reasoned])];
    positives += texts.length;
    lengths.question.add(text.length);
    lengths.positives.add(texts.length);
    for (const each of texts) lengths.positive.add(each.length);
    for (const { preference } of answers) if (preference !== undefined) lengths.score.add(preference);
    for (const post of [question, ...answers]) attribute(post);
    if (first.length === examples && first.at(-1)!.draw <= draw) continue;
    const example = {
      id,
      domain,
      url,
      text: beginning(text),
      positive: beginning(texts[0] ?? ''),
      stage: null,
      reason: null,
      detail: null,
    };
    first.push({ draw, example });
    first.sort((a, b) => a.draw - b.draw || compareBytes(a.example.id, b.example.id));
    first.length = Math.min(first.length, examples);
  }
  const left = await droppedExamples(set, dropped());
  return {
    positives,
    domains: [...domains]
      .sort(([a], [b]) => compareBytes(a, b))
      .map(([domain, facts]) => ({ domain, ...facts })),
    histograms: {
      question: lengths.question.histogram,
      positive: lengths.positive.histogram,
      positives: lengths.positives.histogram,
      score: lengths.score.histogram,
    },
    kept: first.map(({ example }) => example),
    dropped: left.examples,
    licences: Object.fromEntries([...licences].sort(([a], [b]) => compareBytes(a, b))),
    authors: authors.values(),
    duplicates: left.duplicates,
  };
}

/** Examples of what was left out, of as many reasons as there are, and which were duplicates. */
async function droppedExamples(
  set: QuestionSet,
  dropped: AsyncIterable<{ readonly stage: StageName; readonly dropped: Dropped }>,
): Promise<{ examples: Example[]; duplicates: Set<number> }> {
  const byReason = new Map<string, { stage: StageName; dropped: Dropped }[]>();
  const duplicates = new Set<number>();
  for await (const each of dropped) {
    if (each.stage === 'duplicates') duplicates.add(each.dropped.n);
    const reason = `${each.stage} ${each.dropped.reason}`;
    const same = byReason.get(reason) ?? [];
    byReason.set(reason, same);
    if (same.length < examples) same.push(each);
  }
  const chosen: { stage: StageName; dropped: Dropped }[] = [];
  for (let round = 0; round < examples; round++) {
    for (const same of byReason.values()) {
      if (round < same.length && chosen.length < examples) chosen.push(same[round]);
    }
  }
  const order = [...byReason.keys()];
  const place = (each: { stage: StageName; dropped: Dropped }): number =>
    order.indexOf(`${each.stage} ${each.dropped.reason}`);
  chosen.sort((a, b) => place(a) - place(b));
  const found: Example[] = [];
  for (const { stage, dropped: each } of chosen) {
    const { id, domain, url = null, text } = await set.read(each.n);
    const like =
      each.like === undefined
        ? undefined
        : `like ${each.like}${each.similarity === undefined ? '' : ` (${each.similarity})`}`;
    const detail = [like, each.detail].filter((part) => part !== undefined).join('; ');
    found.push({
      id,
      domain,
      url,
      text: beginning(text),
      positive: null,
      stage,
      reason: each.reason,
      detail: detail === '' ? null : shortened(detail, 300),
    });
  }
  return { examples: found, duplicates };
}

function beginning(text: string): string {
  return shortened(text, exampleCharacters);
}
