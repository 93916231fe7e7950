/** The third stage: leaves out questions that cannot be learned from. */
import { throwIfAborted } from '../../errors.ts';
import { certainLanguage } from '../../reason/language.ts';
import { isUsableText } from '../../reason/usable-text.ts';
import { silentWork, type OnWork } from '../../work.ts';
import { Dropping } from '../dropping.ts';
import type { TextQuestion } from '../question.ts';
import type { QuestionSet } from '../question-set.ts';
import type { Dropped, StageRecord } from '../stage-record.ts';

/** Which questions are left out. */
export interface FilterSettings {
  /** The most characters (code points) of a question's text. The reference's is 16,000. */
  readonly mostCharacters: number;
  /** The fewest. */
  readonly leastCharacters: number;
  /** The language that questions must not certainly be other than, by its ISO 639-1 code; any where it is not given. */
  readonly language?: string;
}

/** What is wrong with a question; undefined where nothing is. Of several faults the first counts. */
export async function questionFault(
  question: TextQuestion,
  { mostCharacters, leastCharacters, language }: FilterSettings,
): Promise<{ readonly reason: string; readonly detail?: string } | undefined> {
  const { text, hasImage, isDeleted, score } = question;
  if (isDeleted) return { reason: 'deleted' };
  if (score !== undefined && score < 0) return { reason: 'negative score', detail: String(score) };
  if (hasImage) return { reason: 'shows an image' };
  const characters = codePoints(text);
  if (characters > mostCharacters) return { reason: 'too long', detail: `${characters} characters` };
  if (characters < leastCharacters || !isUsableText(text)) {
    return { reason: 'too short', detail: `${characters} characters` };
  }
  if (language === undefined) return undefined;
  const found = await certainLanguage(text);
  if (found !== undefined && !isWrittenIn(found, language))
    return { reason: 'another language', detail: found };
  return undefined;
}

/** Languages of scripts that several are written in, of which it is certain in which script they are only. */
const languagesOf: Readonly<Record<string, readonly string[]>> = {
  Cyrillic: ['ru', 'uk', 'be', 'bg', 'sr', 'mk', 'kk', 'ky', 'tg', 'mn'],
  Arabic: ['ar', 'fa', 'ur', 'ps', 'ug', 'sd', 'ku'],
  Devanagari: ['hi', 'mr', 'ne', 'sa'],
};

/** Whether a text of which a language, or a script, is certain can be in another language. */
function isWrittenIn(found: string, language: string): boolean {
  return found === language || (languagesOf[found]?.includes(language) ?? false);
}

/** Leaves out what {@link questionFault} finds something wrong with. */
export async function filterStage(
  set: QuestionSet,
  folder: string,
  settings: FilterSettings & { readonly signal?: AbortSignal; readonly onWork?: OnWork },
): Promise<StageRecord> {
  const dropping = new Dropping(set);
  const work = settings.onWork?.('filtering questions', set.count) ?? silentWork;
  try {
    for await (const { n, question } of set.all(settings.signal)) {
      const fault = await questionFault(question, settings);
      if (fault) dropping.drop({ n, id: question.id, ...fault } satisfies Dropped);
      if (n % 64 === 0) work.update(n);
    }
    throwIfAborted(settings.signal);
  } finally {
    work.stop();
  }
  return { stage: 'filter', ...(await dropping.finish(folder)), counts: {} };
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) count--;
  }
  return count;
}
