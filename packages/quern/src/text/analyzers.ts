import { QuernError } from '../errors.ts';
import type { Analyzer } from './analyzer.ts';
import { englishAnalyzer } from './english.ts';
import { whitespaceAnalyzer } from './whitespace.ts';

/** The whole text as one term, unchanged; an empty text has none. */
const wholeText: Analyzer = {
  name: 'none',
  terms: (text) => (text === '' ? [] : [text]),
  spans: (text) => (text === '' ? [] : [{ term: text, start: 0, end: text.length }]),
};

const makers: Readonly<Record<string, () => Analyzer>> = {
  english: englishAnalyzer,
  whitespace: whitespaceAnalyzer,
  none: () => wholeText,
};

/** One analyzer per name, so that all who use it share its memory of terms. */
const made = new Map<string, Analyzer>();

/**
 * The analyzer that `name` names: `english` (Lucene's English analysis), `whitespace` (split on white space, nothing
 * else), `none` (the whole text is one term), or several of them joined by `+`, each run on every term of the one
 * before it: `english+english` analyses twice. Throws `USAGE` where a name is unknown.
 */
export function analyzerNamed(name: string): Analyzer {
  return name
    .split('+')
    .map((part) => simpleAnalyzer(part, name))
    .reduce(composed);
}

function simpleAnalyzer(part: string, name: string): Analyzer {
  const known = made.get(part);
  if (known !== undefined) return known;
  if (!Object.hasOwn(makers, part)) {
    throw new QuernError('USAGE', `unknown analyzer ${JSON.stringify(name)}`, {
      hint: `Choose ${Object.keys(makers).join(', ')}, or several joined by +, such as english+english`,
    });
  }
  const analyzer = makers[part]!();
  made.set(part, analyzer);
  return analyzer;
}

/** `second` run on every term of `first`; spans are the places of the first one's tokens in the text. */
function composed(first: Analyzer, second: Analyzer): Analyzer {
  return {
    name: `${first.name}+${second.name}`,
    terms: (text) => first.terms(text).flatMap((term) => second.terms(term)),
    spans: (text) =>
      first
        .spans(text)
        .flatMap(({ term, start, end }) => second.terms(term).map((inner) => ({ term: inner, start, end }))),
  };
}
