/**
 * What the experiment trains and validates on, made of `textbooks` and BRIGHT's published reasoned queries, as files:
 *
 *     pretraining.tokens, held-out.tokens  sections, 2 % of them held out
 *     sft.tokens                           the pairs of sft.jsonl in ChatML
 *     sft.jsonl, sft-validation.jsonl      {question, reasoned, source: 'recorded' | 'answer' | 'bright'}
 *     grpo.jsonl, grpo-validation.jsonl    {id, question, positives, positive_ids}
 *     grpo-shuffled.jsonl                  the questions of grpo.jsonl, each with another one's positives
 *     validation.tsv                       the gold sections of grpo-validation.jsonl
 *     facts.json                           how many of each, and what was left out
 *
 * 256 questions of `train` are held out of all training; the sft's validation is 60 of those that have a recorded reasoned query.
 * Questions that are those of `test` but for spelling, or nearly, or have the same answer, are left out of both.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { analyzerNamed } from 'quern';
import type { TextTokenizer } from 'quern/torch';
import { completionTokens as tokensOfCompletion, controlToken, plainTokens, promptTokens } from './chat.js';
import { PassageChooser, passagesOf } from './passages.js';
import { deranged, shuffled } from './random.js';
import { normalised, readBrightReasoned, type Question, type Section, type Textbooks } from './textbooks.js';
import { writeTokens } from './tokens.js';

export interface Pair {
  readonly question: string;
  readonly reasoned: string;
  readonly source: 'recorded' | 'answer' | 'bright';
}

export interface GrpoRow {
  readonly id: string;
  readonly question: string;
  readonly positives: readonly string[];
  readonly positive_ids: readonly string[];
}

export interface DataSettings {
  readonly seed: number;
  /** Share of the sections that pretraining does not see. */
  readonly heldOut: number;
  readonly validation: number;
  readonly sftValidation: number;
  /** Longer reasoned queries end at an earlier sentence: models are to learn to end within what they may write. */
  readonly completionTokens: number;
  /** Pairs that are longer, the prompt counted, are left out. */
  readonly pairTokens: number;
  readonly passages: number;
}

export const dataSettings: DataSettings = {
  seed: 42,
  heldOut: 0.02,
  validation: 256,
  sftValidation: 60,
  completionTokens: 192,
  pairTokens: 1024,
  passages: 3,
};

/** Texts that a tokenizer may learn from: nothing of the test questions. */
export function* tokenizerTexts({ sections, train, reasonedTrain, reasoned }: Textbooks): Generator<string> {
  for (const section of sections) yield sectionText(section);
  for (const { text } of train) yield text;
  for (const { text } of reasonedTrain) yield reasoned.get(text)!;
}

function sectionText({ title, text }: Section): string {
  return `${title}\n${text}`;
}

/** Writes the files into `folder` and returns what facts.json says. */
export async function writeData(
  folder: string,
  books: Textbooks,
  texts: TextTokenizer,
  data: string,
  settings: DataSettings = dataSettings,
): Promise<Record<string, unknown>> {
  const { seed, heldOut, completionTokens } = settings;
  const leaks = leaksOf(books);
  const clean = books.train.filter(({ id }) => !leaks.has(id));
  const split = splitOf(clean, books.reasonedTrain, settings);
  const bright = await readBrightReasoned(data);
  const tested = new Set(books.test.map(({ text }) => normalised(text)));
  const cleanBright = bright.filter(({ question }) => !tested.has(normalised(question)));

  const mixed = shuffled(books.sections, seed);
  const out = Math.round(heldOut * mixed.length);
  const recorded = pairsOf(books, split.recorded);
  const answers = split.train.flatMap(({ id, text }): Pair[] => {
    const reasoned = books.answers.get(id);
    return reasoned === undefined ? [] : [{ question: text, reasoned, source: 'answer' }];
  });
  const published = cleanBright.map((pair): Pair => ({ ...pair, source: 'bright' }));
  const fitted = new Fitted(texts, settings);
  const sft = shuffled(fitted.pairs([...recorded, ...answers, ...published]), seed);
  const sftValidation = fitted.pairs(pairsOf(books, split.recordedValidation));

  const chooser = new PassageChooser(books.sections, analyzerNamed('english'));
  const rowsOf = (questions: readonly Question[]): GrpoRow[] =>
    questions.map((question) => grpoRow(question, books, chooser, settings));
  const grpo = rowsOf(split.train);
  const validation = rowsOf(split.validation);
  const others = deranged(grpo, ({ positive_ids: ids }) => ids.join(' '), seed);
  const control = grpo.map(({ id, question }, i) => ({
    id,
    question,
    positives: grpo[others[i]].positives,
    positive_ids: grpo[others[i]].positive_ids,
  }));
  checkApart(books, { sft, sftValidation, grpo, validation, control });

  await mkdir(folder, { recursive: true });
  const end = controlToken(texts, '<|endoftext|>');
  const tokensOf = (section: Section): number[] => [...plainTokens(texts, sectionText(section)), end];
  await writeTokens(join(folder, 'pretraining.tokens'), mixed.slice(out).map(tokensOf));
  await writeTokens(join(folder, 'held-out.tokens'), mixed.slice(0, out).map(tokensOf));
  await writeTokens(
    join(folder, 'sft.tokens'),
    sft.map(({ question, reasoned }) => [
      ...promptTokens(texts, question),
      ...tokensOfCompletion(texts, reasoned),
      end,
    ]),
  );
  await writeJsonl(join(folder, 'sft.jsonl'), sft);
  await writeJsonl(join(folder, 'sft-validation.jsonl'), sftValidation);
  await writeJsonl(join(folder, 'grpo.jsonl'), grpo);
  await writeJsonl(join(folder, 'grpo-validation.jsonl'), validation);
  await writeJsonl(join(folder, 'grpo-shuffled.jsonl'), control);
  const facts = {
    settings,
    sections: {
      pretraining: mixed.length - out,
      heldOut: out,
      heldOutBytes: mixed.slice(0, out).reduce((sum, each) => sum + Buffer.byteLength(sectionText(each)), 0),
    },
    questions: { train: books.train.length, test: books.test.length },
    leftOut: {
      sameAsTest: [...leaks.values()].filter((kind) => kind === 'same').length,
      nearlyTest: [...leaks.values()].filter((kind) => kind === 'near').length,
      sameAnswerAsTest: [...leaks.values()].filter((kind) => kind === 'answer').length,
      brightSameAsTest: bright.length - cleanBright.length,
      tooLongPairs: fitted.tooLong,
    },
    sft: {
      recorded: counted(sft, 'recorded'),
      answer: counted(sft, 'answer'),
      bright: counted(sft, 'bright'),
      validation: sftValidation.length,
      endedEarlier: { beyond: completionTokens, ...fitted.ended },
    },
    grpo: {
      train: grpo.length,
      validation: validation.length,
      withAnswer: grpo.filter(({ id }) => books.answers.has(id)).length,
      positives: grpo.reduce((sum, { positives }) => sum + positives.length, 0) / grpo.length,
    },
    /** What checkApart found; it throws where there are any. */
    testQuestionsInTraining: 0,
  };
  await writeQrels(join(folder, 'validation.tsv'), split.validation);
  await writeFile(join(folder, 'facts.json'), `${JSON.stringify(facts, null, 2)}\n`);
  return facts;
}

function counted(pairs: readonly Pair[], source: Pair['source']): number {
  return pairs.filter((pair) => pair.source === source).length;
}

export async function writeQrels(path: string, questions: readonly Question[]): Promise<void> {
  const lines = questions.flatMap(({ id, gold }) => gold.map((section) => `${id}\t${section}\t1\n`));
  await writeFile(path, `query-id\tcorpus-id\tscore\n${lines.join('')}`);
}

export async function writeJsonl(path: string, rows: readonly unknown[]): Promise<void> {
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** Of words that occur in either, the share that occurs in both: from here on two questions are nearly the same. */
const nearly = 0.8;

type Leak = 'same' | 'near' | 'answer';

/** Questions of `train` that are in `test` too, but for spelling, or nearly, or that have an answer in common. */
function leaksOf({ train, test, answers }: Textbooks): Map<string, Leak> {
  const same = new Set(test.map(({ text }) => normalised(text)));
  const others = test.map(({ text }) => wordsOf(text));
  const answerOf = ({ id }: Question): string => normalised(answers.get(id) ?? '');
  const answered = new Set(test.map(answerOf));
  answered.delete('');
  const leaks = new Map<string, Leak>();
  for (const question of train) {
    const { id, text } = question;
    const words = wordsOf(text);
    const isNear = (other: ReadonlySet<string>): boolean => {
      // What has far more words, or far fewer, is not looked into.
      if (Math.min(words.size, other.size) < nearly * Math.max(words.size, other.size)) return false;
      let shared = 0;
      for (const word of words) if (other.has(word)) shared++;
      return shared / (words.size + other.size - shared) >= nearly;
    };
    if (same.has(normalised(text))) leaks.set(id, 'same');
    else if (others.some(isNear)) leaks.set(id, 'near');
    else if (answered.has(answerOf(question))) leaks.set(id, 'answer');
  }
  return leaks;
}

function wordsOf(text: string): Set<string> {
  return new Set(normalised(text).split(' '));
}

interface Split {
  readonly train: readonly Question[];
  readonly validation: readonly Question[];
  readonly recorded: readonly Question[];
  readonly recordedValidation: readonly Question[];
}

function splitOf(
  clean: readonly Question[],
  reasonedTrain: readonly Question[],
  { seed, validation, sftValidation }: DataSettings,
): Split {
  const mixed = shuffled(clean, seed);
  // Those of one wording stay on one side.
  const held = new Set(mixed.slice(0, validation).map(({ text }) => normalised(text)));
  const isHeld = ({ text }: Question): boolean => held.has(normalised(text));
  const known = new Set(clean.map(({ id }) => id));
  const withRecorded = new Set(reasonedTrain.map(({ id }) => id));
  const isRecorded = ({ id }: Question): boolean => withRecorded.has(id);
  return {
    train: mixed.filter((question) => !isHeld(question)),
    validation: mixed.slice(0, validation),
    recorded: reasonedTrain.filter((question) => known.has(question.id) && !isHeld(question)),
    recordedValidation: mixed.slice(0, validation).filter(isRecorded).slice(0, sftValidation),
  };
}

function pairsOf({ reasoned }: Textbooks, questions: readonly Question[]): Pair[] {
  return questions.map(({ text }) => ({ question: text, reasoned: reasoned.get(text)!, source: 'recorded' }));
}

/** Pairs made so short that a model takes them. */
class Fitted {
  readonly #texts: TextTokenizer;
  readonly #settings: DataSettings;
  tooLong = 0;
  readonly ended = { recorded: 0, answer: 0, bright: 0 };

  constructor(texts: TextTokenizer, settings: DataSettings) {
    this.#texts = texts;
    this.#settings = settings;
  }

  pairs(pairs: readonly Pair[]): Pair[] {
    const { completionTokens: most, pairTokens } = this.#settings;
    return pairs.flatMap((pair) => {
      const fits = (text: string): boolean => plainTokens(this.#texts, text).length < most;
      // Most of what was published breaks off.
      const isWhole = pair.source !== 'bright' && fits(pair.reasoned);
      const reasoned = isWhole ? pair.reasoned.trim() : wholeSentences(pair.reasoned, fits);
      const tokens = promptTokens(this.#texts, pair.question).length + most;
      if (reasoned === '' || tokens > pairTokens) {
        this.tooLong++;
        return [];
      }
      if (reasoned !== pair.reasoned.trim()) this.ended[pair.source]++;
      return [{ ...pair, reasoned }];
    });
  }
}

/** As many of a text's sentences, from the first on, as fit; empty where none does. A sentence that breaks off is left out. */
export function wholeSentences(text: string, fits: (text: string) => boolean): string {
  const whole = text.trim();
  const ends = [...whole.matchAll(/[.!?:;][)"'”’*]*(?=\s|$)/gu)].map(
    ({ 0: end, index }) => index + end.length,
  );
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(whole.slice(0, ends[middle - 1]))) low = middle;
    else high = middle - 1;
  }
  return low === 0 ? '' : whole.slice(0, ends[low - 1]);
}

function grpoRow(
  { id, text, gold }: Question,
  books: Textbooks,
  chooser: PassageChooser,
  { passages }: DataSettings,
): GrpoRow {
  const answer = books.answers.get(id);
  const about = answer === undefined ? text : `${text} ${answer}`;
  const inGold = books.sections
    .filter((section) => gold.includes(section.id))
    .flatMap((section) => passagesOf(section.text));
  const chosen = chooser.best(inGold, about, passages);
  return {
    id,
    question: text,
    positives: answer === undefined ? chosen : [answer, ...chosen],
    positive_ids: gold,
  };
}

/** Throws where what was made breaks its own rules. */
function checkApart(
  { test, reasonedTest, reasoned }: Textbooks,
  made: {
    readonly sft: readonly Pair[];
    readonly sftValidation: readonly Pair[];
    readonly grpo: readonly GrpoRow[];
    readonly validation: readonly GrpoRow[];
    readonly control: readonly GrpoRow[];
  },
): void {
  const [sft, sftValidation, grpo, validation] = [
    made.sft,
    made.sftValidation,
    made.grpo,
    made.validation,
  ].map(namesOf);
  const tested = new Set(test.map(({ text }) => normalised(text)));
  if ([sft, sftValidation, grpo, validation].some((set) => isIn(set, tested))) {
    throw new Error('a question of test is among those of training');
  }
  if (isIn(validation, grpo) || isIn(validation, sft) || isIn(sftValidation, sft)) {
    throw new Error('a question of validation is among those of training');
  }
  const written = new Set(made.sft.map((pair) => beginning(pair.reasoned)));
  if (reasonedTest.some(({ text }) => written.has(beginning(reasoned.get(text)!)))) {
    throw new Error('a recorded reasoned query of test is among those of training');
  }
  if (made.control.some((row, i) => row.positive_ids.some((id) => made.grpo[i].positive_ids.includes(id)))) {
    throw new Error('a question of the control has positives of its own');
  }
}

function namesOf(rows: readonly { readonly question: string }[]): Set<string> {
  return new Set(rows.map(({ question }) => normalised(question)));
}

function isIn(set: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return [...set].some((name) => others.has(name));
}

function beginning(text: string): string {
  return normalised(text).slice(0, 100);
}
