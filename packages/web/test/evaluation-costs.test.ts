import { expect, it } from 'vitest';
import { savedRun } from './evaluation-folders.ts';
import type { SavedRun } from '../src/pages/evaluation/saved.ts';
import { costColumns } from '../src/pages/evaluation/system-costs.ts';
import { gathered } from '../src/pages/evaluation/systems.ts';

function reasoning(told: Partial<SavedRun['reasoning']>): SavedRun['reasoning'] {
  return { ...savedRun().reasoning, ...told };
}

const times = (reason: number): SavedRun['milliseconds'] => ({ index: 1, reason, search: 30, total: 40 });

/** What the only system of some runs took, by the titles of the columns. */
function costsOf(...runs: readonly SavedRun[]): Record<string, string> {
  const { systems, columns } = gathered({ runs });
  return Object.fromEntries(costColumns(systems, columns).map(({ title, values }) => [title, values[0]]));
}

const qr = { run: 'bm25+qr', reasoner: 'qr' } as const;

it('times are a query, tokens and cost are altogether', () => {
  const cost = [{ amount: 0.02, currency: 'USD' }];
  const run = { ...qr, reasoning: reasoning({ promptTokens: 1200, completionTokens: 600, cut: 1, cost }) };
  expect(
    costsOf(
      savedRun({ ...run, collection: 'one', milliseconds: times(3000) }),
      savedRun({ ...run, collection: 'two', milliseconds: times(9000) }),
    ),
  ).toEqual({
    Reasoning: '2.00 s',
    Search: '10 ms',
    Tokens: '2,400 + 1,200',
    Recorded: '0',
    Cut: '2',
    Failed: '0',
    Cost: 'USD 0.040',
  });
});

it('the time of reasoning is of the queries that were neither recorded before nor left alone by a gate', () => {
  const run = savedRun({ ...qr, milliseconds: times(3000), reasoning: reasoning({ cached: 2 }) });
  expect(costsOf(run)).toMatchObject({ Reasoning: '3.00 s', Recorded: '2' });
  const gated = savedRun({ ...qr, milliseconds: times(3000), reasoning: reasoning({ skipped: 2 }) });
  expect(costsOf(gated)).toMatchObject({ Reasoning: '3.00 s' });
  const recorded = savedRun({ ...qr, milliseconds: times(0.3), reasoning: reasoning({ cached: 3 }) });
  expect(costsOf(recorded)).toMatchObject({ Reasoning: '–', Tokens: '–', Cost: '–', Recorded: '3' });
});

it('what does not reason takes no time for it', () => {
  expect(costsOf(savedRun())).toMatchObject({ Reasoning: '–', Search: '0.7 ms' });
});
