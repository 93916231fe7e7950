import type { Document } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { wordSpans } from '../text/words.ts';
import type { Aggregation } from './aggregation.ts';

/** How documents are cut into passages that are embedded one by one. */
export interface PassageSettings {
  /** The most words of a passage, its title not counted. */
  readonly words: number;
  /** How many words after the beginning of a passage the next one begins; at most `words`, and where less, they overlap. */
  readonly stride: number;
  readonly aggregate: Aggregation;
}

/** The most words of a title that stand before a passage. */
const titleWords = 30;

/** English words have some 1.5 tokens; three words for five tokens leave room for a title. */
const wordsOfToken = 0.6;

/** Passages that fill what an embedder reads, at most 400 words; each shares a quarter with the one before it. */
export function defaultPassages(maxTokens = 512): PassageSettings {
  const words = Math.max(1, Math.min(400, Math.floor(maxTokens * wordsOfToken)));
  return { words, stride: Math.max(1, Math.ceil((words * 3) / 4)), aggregate: 'max' };
}

/**
 * The settings that a string gives: `words=180,stride=120,aggregate=max`, each of them optional. Throws `USAGE`. `usual` says
 * what holds for the others; where only words are given, the stride is three quarters of them.
 */
export function passagesNamed(text: string, usual: PassageSettings = defaultPassages()): PassageSettings {
  const given = new Map<string, string>();
  for (const part of text.split(',')) {
    const [name, value, ...rest] = part.split('=').map((each) => each.trim());
    const isKnown = name === 'words' || name === 'stride' || name === 'aggregate';
    if (!isKnown || value === undefined || value === '' || rest.length > 0 || given.has(name)) {
      throw unknownPassages(text);
    }
    given.set(name, value);
  }
  const number = (name: string): number | undefined => {
    const value = given.get(name);
    if (value === undefined) return undefined;
    if (!/^[1-9]\d{0,5}$/.test(value)) throw unknownPassages(text);
    return Number(value);
  };
  const words = number('words') ?? usual.words;
  const usualStride = words === usual.words ? usual.stride : Math.max(1, Math.ceil((words * 3) / 4));
  const stride = number('stride') ?? usualStride;
  if (stride > words) {
    throw new QuernError('USAGE', `a stride of ${stride} words leaves out what passages of ${words} reach`, {
      hint: 'The stride is at most the words',
    });
  }
  const aggregate = given.get('aggregate');
  return {
    words,
    stride,
    aggregate: aggregate === undefined ? usual.aggregate : aggregateNamed(aggregate),
  };
}

/** The string that gives these settings. */
export function passagesName({ words, stride, aggregate }: PassageSettings): string {
  return `words=${words},stride=${stride},aggregate=${aggregateName(aggregate)}`;
}

/** The aggregation that a string names: `max`, `first` or `mean:N`. Throws `USAGE`. */
export function aggregateNamed(name: string): Aggregation {
  if (name === 'max' || name === 'first') return name;
  const [, count] = /^mean:([1-9]\d{0,3})$/.exec(name) ?? [];
  if (count !== undefined) return { mean: Number(count) };
  throw new QuernError('USAGE', `unknown aggregation ${JSON.stringify(name)}`, {
    hint: 'Use max, first or mean:N',
  });
}

/** The string that names an aggregation. */
export function aggregateName(aggregate: Aggregation): string {
  return typeof aggregate === 'string' ? aggregate : `mean:${aggregate.mean}`;
}

/**
 * The passages of a document, in order, at least one; the title, up to 30 words of it, stands before each, so that none is
 * without its subject. White space in them is single spaces. The last one holds the last `words` words, so that none is short
 * but that of a short document.
 */
export function passagesOf(
  { title, text }: Pick<Document, 'title' | 'text'>,
  settings: Pick<PassageSettings, 'words' | 'stride'>,
): string[] {
  const { words, stride } = settings;
  const before = cutAfterWords(title, titleWords);
  const spans = wordSpans(text);
  const passages: string[] = [];
  for (let first = 0; ; first += stride) {
    const isLast = first + words >= spans.length;
    const start = isLast ? Math.max(0, spans.length - words) : first;
    const last = spans[Math.min(start + words, spans.length) - 1];
    const passage = last === undefined ? '' : text.slice(spans[start].start, last.end);
    passages.push(
      [before, passage]
        .filter((part) => part !== '')
        .join(' ')
        .replace(/\s+/gu, ' '),
    );
    if (isLast) return passages;
  }
}

function cutAfterWords(text: string, words: number): string {
  const spans = wordSpans(text);
  return spans.length === 0 ? '' : text.slice(spans[0].start, spans[Math.min(words, spans.length) - 1].end);
}

function unknownPassages(text: string): QuernError {
  return new QuernError('USAGE', `unknown passages ${JSON.stringify(text)}`, {
    hint: 'Use words=N,stride=N,aggregate=max, each of them optional; aggregations are max, first and mean:N',
  });
}
