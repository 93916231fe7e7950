import { expect, it } from 'vitest';
import type { ReasonedQuery } from './reasoner.ts';
import { reasonedRecord } from './reasoned-record.ts';

it('weights are an object in JSON, those of each of several too', () => {
  const made: ReasonedQuery = {
    query: 'why?',
    text: 'yeast^0.5',
    weights: new Map([['yeast', 0.5]]),
    reasoner: 'rm3',
    finish: 'stop',
    promptTokens: 0,
    completionTokens: 0,
    milliseconds: 1,
    cached: false,
  };
  const record = reasonedRecord({ ...made, parts: [made, { ...made, weights: new Map([['grain', 1]]) }] });
  expect(record.weights).toEqual({ yeast: 0.5 });
  expect(record.parts?.map(({ weights }) => weights)).toEqual([{ yeast: 0.5 }, { grain: 1 }]);
});
