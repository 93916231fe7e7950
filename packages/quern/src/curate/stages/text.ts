/** The second stage: questions with their answers, as text. */
import { compareBytes } from '../../byte-order.ts';
import { readLines } from '../../collections/lines.ts';
import { throwIfAborted } from '../../errors.ts';
import { silentWork, type OnWork } from '../../work.ts';
import { FaultCounts } from '../faults.ts';
import { cleanText, htmlText, type PostText } from '../html-text.ts';
import type { PostedAnswer, PostedQuestion } from '../post.ts';
import { PostSpill } from '../post-spill.ts';
import type { TextAnswer, TextQuestion } from '../question.ts';
import { QuestionSetWriter } from '../question-set.ts';
import { preferenceScore } from '../stack-exchange.ts';
import type { StageRecord } from '../stage-record.ts';
import type { StagePlace } from '../work-folder.ts';
import type { ParseRecord, SpilledPost } from './parse.ts';

/** Brings each question together with its answers, and makes text of their HTML. */
export async function textStage(
  parsed: { readonly record: ParseRecord; readonly folder: string },
  { folder }: StagePlace,
  options: { readonly signal?: AbortSignal; readonly onWork?: OnWork } = {},
): Promise<StageRecord> {
  const faults = new FaultCounts();
  const counts = { answers: 0, 'answers without their question': 0, 'questions without an answer': 0 };
  let questions = 0;
  let notDrawn = 0;
  const writer = await QuestionSetWriter.create(folder);
  const { files, limits } = parsed.record;
  const work = options.onWork?.('converting posts to text', files) ?? silentWork;
  try {
    for (const [i, path] of new PostSpill(parsed.folder, files).paths.entries()) {
      throwIfAborted(options.signal);
      const group = await grouped(path, limits, faults, options.signal);
      for (const { question, draw, answers } of group.questions) {
        const text = textQuestion(question, draw, answers);
        questions++;
        counts.answers += text.answers.length;
        if (text.answers.length === 0) counts['questions without an answer']++;
        await writer.add(text);
      }
      notDrawn += group.notDrawn;
      counts['answers without their question'] += group.orphans;
      work.update(i + 1);
    }
    await writer.finish();
  } finally {
    work.stop();
    await writer.discard();
  }
  return {
    stage: 'text',
    questionsIn: parsed.record.questionsOut,
    questionsOut: questions,
    dropped: {
      ...(notDrawn > 0 && { 'not drawn': notDrawn }),
      ...repeated(faults),
    },
    counts,
    faults: faults.list(),
  };
}

const repeatedQuestion = 'a question that comes twice, the first one kept';
const repeatedAnswer = 'an answer that comes twice, the first one kept';

function repeated(faults: FaultCounts): Record<string, number> {
  const found = faults.list().find(({ kind }) => kind === repeatedQuestion);
  return found ? { 'comes twice': found.count } : {};
}

interface Group {
  readonly question: PostedQuestion;
  readonly draw: number;
  readonly answers: PostedAnswer[];
}

/** The questions of one file of posts, in the order of their lots, with their answers. */
async function grouped(
  path: string,
  limits: Readonly<Record<string, number>>,
  faults: FaultCounts,
  signal?: AbortSignal,
): Promise<{ questions: Group[]; notDrawn: number; orphans: number }> {
  const questions = new Map<string, Group>();
  const answers: PostedAnswer[] = [];
  let notDrawn = 0;
  for await (const { text } of readLines(path, { signal })) {
    const { draw, ...post } = JSON.parse(text) as SpilledPost;
    if (draw > (limits[post.domain] ?? Infinity)) {
      if (post.kind === 'question') notDrawn++;
    } else if (post.kind === 'answer') answers.push(post);
    else if (questions.has(post.id)) faults.add(repeatedQuestion, post.url ?? post.id);
    else questions.set(post.id, { question: post, draw, answers: [...(post.answers ?? [])] });
  }
  let orphans = 0;
  for (const answer of answers) {
    const group = questions.get(answer.question);
    if (group) group.answers.push(answer);
    else {
      orphans++;
      faults.add('an answer without its question', answer.url ?? answer.id);
    }
  }
  for (const { answers: own } of questions.values()) {
    own.sort((a, b) => compareIds(a.id, b.id));
    for (let i = own.length - 1; i > 0; i--) {
      if (own[i].id !== own[i - 1].id) continue;
      faults.add(repeatedAnswer, own[i].url ?? own[i].id);
      own.splice(i, 1);
    }
  }
  return {
    questions: [...questions.values()].sort(
      (a, b) => a.draw - b.draw || compareBytes(a.question.id, b.question.id),
    ),
    notDrawn,
    orphans,
  };
}

/** Ids that end in numbers by these, others by their bytes. */
function compareIds(a: string, b: string): number {
  return a.length - b.length || compareBytes(a, b);
}

function textQuestion(
  question: PostedQuestion,
  draw: number,
  answers: readonly PostedAnswer[],
): TextQuestion {
  const { id, domain, splitKey, title, acceptedAnswer, score, isDeleted, author, url, licence } = question;
  const { text, hasImage } = bodyText(question);
  const heading = title === undefined ? '' : cleanText(title).replaceAll(/\s+/g, ' ').trim();
  return {
    id,
    domain,
    ...(splitKey !== undefined && { splitKey }),
    draw,
    ...(heading !== '' && { title: heading }),
    text: [heading, text].filter((part) => part !== '').join('\n\n'),
    hasImage,
    ...(score !== undefined && { score }),
    ...(isDeleted && { isDeleted }),
    ...(author && { author }),
    ...(url !== undefined && { url }),
    ...(licence !== undefined && { licence }),
    answers: answers.map((answer) => textAnswer(answer, acceptedAnswer)),
  };
}

function textAnswer(answer: PostedAnswer, accepted: string | undefined): TextAnswer {
  const { id, score, isDeleted, author, url, licence } = answer;
  const isAccepted = answer.isAccepted === true || id === accepted;
  const preference =
    answer.preference ?? (score === undefined ? undefined : preferenceScore(score, isAccepted));
  return {
    id,
    text: bodyText(answer).text,
    isAccepted,
    ...(score !== undefined && { score }),
    ...(preference !== undefined && { preference }),
    ...(isDeleted && { isDeleted }),
    ...(author && { author }),
    ...(url !== undefined && { url }),
    ...(licence !== undefined && { licence }),
  };
}

const imageEnding = /\.(?:png|jpe?g|gif|svg|webp|bmp)\b/gi;
const longestAddress = 500;

/** Whether a text holds an image in Markdown, or the address of one. */
function linksImage(text: string): boolean {
  if (/!\[[^[\]\n]{0,300}\]\(/.test(text)) return true;
  for (const { index } of text.matchAll(imageEnding)) {
    const before = text.slice(Math.max(0, index - longestAddress), index);
    const word = before.slice(before.search(/\S*$/));
    if (/https?:\/\//i.test(word)) return true;
  }
  return false;
}

function bodyText({ body, isHtml }: PostedQuestion | PostedAnswer): PostText {
  const linked = linksImage(body);
  if (!isHtml) return { text: cleanText(body).trim(), hasImage: linked };
  const { text, hasImage } = htmlText(body);
  return { text, hasImage: hasImage || linked };
}
