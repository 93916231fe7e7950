import { expect, it } from 'vitest';
import { NoReasoner } from './none.ts';

it('adds nothing to a query and costs nothing', async () => {
  const reasoner = new NoReasoner();
  expect(await reasoner.reason('why does bread go stale')).toEqual({
    query: 'why does bread go stale',
    text: '',
    reasoner: 'none',
    finish: 'skipped',
    promptTokens: 0,
    completionTokens: 0,
    milliseconds: 0,
    cached: false,
  });
  await reasoner.close();
});
