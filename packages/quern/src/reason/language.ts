/**
 * Whether a reasoned query is in another language than its query. Where their scripts differ, that says it; languages of one
 * script are told apart by `eld`, loaded when it is first needed. A part counts only where it is certain, so that what is
 * short or mixed, code or a formula is in no language.
 */
import { scriptLetters, type Script } from './scripts.ts';

/** The languages of a query and a text, in English; of a script that many languages are written in, the script's name. */
export interface LanguagePair {
  readonly query: string;
  readonly text: string;
}

/** Letters that a query must have, and a text, to be in any language. */
const leastQueryLetters = 20;
const leastTextLetters = 40;
/** Share of a query's letters that must be in one language; of a text's, the majority. */
const leastQueryShare = 0.8;
const leastTextShare = 0.5;
/** What `eld` must say of a language, from 0 to 1, and by how much more than of the other one. */
const leastScore = 0.65;
const leastLead = 0.15;
/** Texts are looked at in parts of so many UTF-8 bytes, so that two languages in one are seen; `eld` takes 350 at most. */
const partBytes = 120;

/** Words that are English and of no other language in Latin script, and the least share of them in a text that is English. */
const englishWords = new Set('the and that this with which are from for they have how why what'.split(' '));
const englishShare = 0.07;

/**
 * The languages of a query and of what was made of it, where each is certain and they differ; undefined otherwise. Of a text
 * in several languages, the one counts that most of its letters are in.
 */
export async function differentLanguages(query: string, text: string): Promise<LanguagePair | undefined> {
  const [queryProse, textProse] = [proseOf(query), proseOf(text)];
  const queryScript = mainScript(queryProse, leastQueryLetters, leastQueryShare);
  const textScript = mainScript(textProse, leastTextLetters, leastTextShare);
  if (!queryScript || !textScript) return undefined;
  if (queryScript !== textScript) return { query: languageOf(queryScript), text: languageOf(textScript) };
  if (queryScript in onlyLanguages || bothAreEnglish(queryProse, textProse)) return undefined;
  return differentByWords(queryProse, textProse);
}

/**
 * The language of a text, as its ISO 639-1 code (of a script that several are written in, the script's name), where it is
 * certain; undefined for what is short or mixed, for code and formulas.
 */
export async function certainLanguage(text: string): Promise<string | undefined> {
  const prose = proseOf(text);
  const script = mainScript(prose, leastTextLetters, leastQueryShare);
  if (!script) return undefined;
  if (script !== 'Latin') return scriptCodes[script] ?? script;
  const words = lowerCaseWords(prose);
  if (words.filter((word) => englishWords.has(word)).length >= englishShare * words.length) return 'en';
  const parts = await partsOf(prose);
  const main = mostLetters(parts);
  if (main === undefined) return undefined;
  const rival = main === 'en' ? '' : 'en';
  const share = shareOf(parts, (part) => part.language === main && leads(part, rival));
  return share >= leastQueryShare ? main : undefined;
}

/** A text without what is in no language: code, formulas, addresses, tags. */
function proseOf(text: string): string {
  const prose = text
    .replace(/```[\s\S]*?(?:```|$)/g, ' ')
    .replace(/`[^`\n]{1,300}`/g, ' ')
    .replace(/\$\$?[^$]{1,500}\$\$?|\\\[[\s\S]{1,500}?\\\]|\\\([\s\S]{1,500}?\\\)/g, ' ')
    .replace(/<\/?[A-Za-z][^<>]{0,300}>/g, ' ');
  return prose
    .split(/\s+/)
    .filter((word) => !isCode(word))
    .join(' ');
}

/** Whether a word is part of a program, a formula or an address: of ASCII, with signs inside that prose has not. */
function isCode(word: string): boolean {
  if (!/^[ -~]+$/.test(word)) return false;
  // A run of marks is tried from its first one only: a text can be nothing else.
  const inner = word.replace(/^["'(*_[]+/, '').replace(/(?<!["'*_\]),.:;!?])["'*_\]),.:;!?]+$/, '');
  return /[=(){}[\]<>_;|\\/&#@*+^~$]|\w\.\w/.test(inner);
}

/** The script that at least this share of a text's letters is in; undefined where there is none, or too few letters. */
function mainScript(text: string, leastLetters: number, leastShare: number): Script | undefined {
  const letters = scriptLetters(text);
  const all = sum(letters.values());
  if (all < leastLetters) return undefined;
  for (const [script, count] of letters) if (count > 0 && count / all >= leastShare) return script;
  return undefined;
}

/** What is written in a script, where that is one language, or ours are too few to tell them apart. */
const onlyLanguages: Partial<Record<Script, string>> = {
  Chinese: 'Chinese',
  Japanese: 'Japanese',
  Hangul: 'Korean',
  Greek: 'Greek',
  Hebrew: 'Hebrew',
  Thai: 'Thai',
};

const scriptCodes: Partial<Record<Script, string>> = {
  Chinese: 'zh',
  Japanese: 'ja',
  Hangul: 'ko',
  Greek: 'el',
  Hebrew: 'he',
  Thai: 'th',
};

function languageOf(script: Script): string {
  return onlyLanguages[script] ?? (script === 'other' ? 'another script' : `${script} script`);
}

function bothAreEnglish(query: string, text: string): boolean {
  const words = lowerCaseWords(text);
  const english = words.filter((word) => englishWords.has(word)).length;
  return (
    english >= englishShare * words.length && lowerCaseWords(query).some((word) => englishWords.has(word))
  );
}

function lowerCaseWords(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? [];
}

/** A part of a text: its letters, the language that its words are most like, and how like those of each they are. */
interface Part {
  readonly letters: number;
  readonly language: string;
  readonly scores: Readonly<Record<string, number>>;
}

async function differentByWords(query: string, text: string): Promise<LanguagePair | undefined> {
  const queryParts = await partsOf(query);
  const textParts = await partsOf(text);
  const own = mostLetters(queryParts);
  const other = own === undefined ? undefined : mostLetters(textParts.filter((part) => leads(part, own)));
  if (own === undefined || other === undefined) return undefined;
  const isCertain =
    shareOf(queryParts, (part) => part.language === own && leads(part, other)) >= leastQueryShare &&
    shareOf(textParts, (part) => part.language === other && leads(part, own)) > leastTextShare;
  return isCertain ? { query: nameOf(own), text: nameOf(other) } : undefined;
}

/** Whether a part is certainly in its language, and not in this one. */
function leads({ language, scores }: Part, other: string): boolean {
  const score = scores[language] ?? 0;
  return language !== other && score >= leastScore && score - (scores[other] ?? 0) >= leastLead;
}

async function partsOf(text: string): Promise<Part[]> {
  const { eld } = await import('eld/extrasmall');
  return partTexts(text).map((part) => {
    const found = eld.detect(part);
    return {
      letters: sum(scriptLetters(part).values()),
      language: found.language,
      scores: found.getScores(),
    };
  });
}

/** A text's words in parts that are about as long as `eld` can look at. */
function partTexts(text: string): string[] {
  const parts: string[] = [];
  let part: string[] = [];
  let bytes = 0;
  for (const word of text.split(/\s+/)) {
    part.push(word);
    bytes += Buffer.byteLength(word) + 1;
    if (bytes < partBytes) continue;
    parts.push(part.join(' '));
    part = [];
    bytes = 0;
  }
  return [...parts, part.join(' ')].filter((words) => /\p{L}/u.test(words));
}

/** The language that most letters of these parts are in. */
function mostLetters(parts: readonly Part[]): string | undefined {
  const letters = new Map<string, number>();
  for (const part of parts) letters.set(part.language, (letters.get(part.language) ?? 0) + part.letters);
  return [...letters].filter(([language]) => language !== '').toSorted((a, b) => b[1] - a[1])[0]?.[0];
}

/** The share of the letters that is in such parts. */
function shareOf(parts: readonly Part[], holds: (part: Part) => boolean): number {
  const letters = (some: readonly Part[]): number => sum(some.map((part) => part.letters));
  return letters(parts.filter(holds)) / letters(parts);
}

function nameOf(code: string): string {
  return new Intl.DisplayNames(['en'], { type: 'language' }).of(code) ?? code;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
