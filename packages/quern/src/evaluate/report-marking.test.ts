import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { QuernError } from '../errors.ts';
import type { TermRetriever, TermShare } from '../search/retriever.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import type { TopicAnswer } from './evaluation.ts';
import { markingOf } from './report-marking.ts';

const english = analyzerNamed('english');
const texts: Record<string, string> = { good: 'red dye wool', bad: 'blue dye sea' };

/** A retriever of two documents, all weights 1. */
const retriever: TermRetriever = {
  id: 'bm25',
  search: () => Promise.resolve([]),
  documentFrequency: () => 1,
  spans: (text) => english.spans(text),
  weights: (text) => new Map(english.terms(text).map((term) => [term, 1])),
  shares(weights, id): TermShare[] {
    if (texts[id] === undefined) throw new QuernError('NOT_FOUND', 'no such document');
    return english
      .terms(texts[id])
      .filter((term) => weights.has(term))
      .map((term) => ({ term, queryWeight: 1, documentWeight: 1, share: 1 }));
  },
};

function answerOf(query: string, text: string): Pick<TopicAnswer, 'query' | 'reasoned' | 'searches'> {
  const weights = retriever.weights(text);
  return {
    query,
    reasoned: {
      query,
      text,
      reasoner: 'r',
      finish: 'stop',
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: 0,
      cached: false,
    },
    searches: [{ from: 'reasoned', text, weights }],
  };
}

const ranking = ['bad', 'good'].map((id, i) => ({ id, score: -i, rank: i + 1 }));
const pieces = fc.array(
  fc.oneof(
    fc.constantFrom('red', 'Dye', 'blue', 'wool', 'the', ' ', '\n', '…', '\u202E', '<b>', "'s", '\uD83D'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  ),
);

it('the segments of any text, put together, are that text, and none is empty', () => {
  fc.assert(
    fc.property(pieces, (parts) => {
      const text = parts.join('');
      const answer = answerOf('red query', text);
      const marking = markingOf(answer, retriever, { ranking, relevant: ['good'] })!;
      const whole = text.trim() === '' ? 'red query' : text;
      expect(marking.segments.map((segment) => segment.text).join('')).toBe(whole);
      expect(marking.segments.every((segment) => segment.text !== '')).toBe(true);
    }),
  );
});

it('a term is marked by the relevant document first, by the other one if it is only there, else not at all', () => {
  const { segments } = markingOf(answerOf('a red thing', 'Red dye, blue tide.'), retriever, {
    ranking,
    relevant: ['good'],
  })!;
  expect(segments).toEqual([
    { text: 'Red', term: 'red', mark: 'relevant', share: 0.5, strength: 3, brought: false },
    { text: ' ' },
    { text: 'dye', term: 'dye', mark: 'relevant', share: 0.5, strength: 3, brought: true },
    { text: ', ' },
    { text: 'blue', term: 'blue', mark: 'other', share: 0.5, strength: 3, brought: true },
    { text: ' tide.' },
  ]);
});

it('without a relevant document in the corpus only the other one is held against', () => {
  const marking = markingOf(answerOf('q', 'dye'), retriever, { ranking: [ranking[0]], relevant: ['gone'] })!;
  expect(marking.relevant).toBeNull();
  expect(marking.other).toEqual({ id: 'bad', rank: 1 });
  expect(marking.segments[0].mark).toBe('other');
});

it('there is no marking where the search was not made of terms', () => {
  const answer = { ...answerOf('q', 'dye'), searches: [{ from: 'reasoned' as const, text: 'dye' }] };
  expect(markingOf(answer, retriever, { ranking, relevant: ['good'] })).toBeNull();
});
