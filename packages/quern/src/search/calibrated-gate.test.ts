import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gateRecordOf } from '../../test/gate-record.ts';
import { indexOf, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { Warnings } from '../warnings.ts';
import { differenceText, gateOf, openGate, reasoningDifferences } from './calibrated-gate.ts';
import { writeGateRecord } from './gate-file.ts';
import { LexicalRetriever } from './lexical-retriever.ts';

const folder = temporaryFolder();
const record = gateRecordOf({ kind: 'threshold', fact: 'gap', reasons: 'below', threshold: 0.1 });
let index: LexicalIndex;
let retriever: LexicalRetriever;

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
  retriever = new LexicalRetriever(index, 'bm25');
});
afterAll(() => index?.close());

describe('a gate from a file', () => {
  it('decides by what its rule looks at, and says why', async () => {
    const path = join(folder, 'gate.json');
    await writeGateRecord(path, record);
    const warnings = new Warnings();
    const gate = await openGate(path, warnings);
    const [first, second] = await retriever.search('ash', { k: 2 });
    const gap = (first.score - second.score) / first.score;
    const { reasons, why, facts } = await gate.decide('ash', retriever);
    expect(facts).toEqual({ gap });
    expect(reasons).toBe(gap < 0.1);
    expect(why).toMatch(/^gap is [\d.]+, (not )?below 0\.1$/);
    expect(gate.record).toEqual(record);
    expect(warnings.list()).toEqual([]);
  });

  it('looks at the ranking without the excluded documents', async () => {
    const gate = gateOf(record, 'gate');
    const [best] = await retriever.search('ash oak', { k: 1 });
    const { facts } = await gate.decide('ash oak', retriever);
    const without = await gate.decide('ash oak', retriever, { excluded: [best.id] });
    expect(without.facts).not.toEqual(facts);
  });

  it('needs no search for always and never', async () => {
    const before = index.postingsRead;
    const decisions = await Promise.all(
      (['always', 'never'] as const).map((kind) =>
        gateOf(gateRecordOf({ kind }), 'gate').decide('ash', retriever),
      ),
    );
    expect(decisions.map(({ reasons }) => reasons)).toEqual([true, false]);
    expect(index.postingsRead).toBe(before);
  });

  it('decides all the same with another scoring and another index, and warns of it once', async () => {
    const warnings = new Warnings();
    const other = gateRecordOf(record.rule, {
      index: { analyzer: 'english', documents: 600, documentsWithTerms: 600, averageLength: 80 },
      parameters: { k1: 1.2, b: 0.75 },
    });
    const gate = gateOf(other, 'gate.json', warnings);
    const queryWeighted = new LexicalRetriever(index, 'bm25q');
    await gate.decide('ash', queryWeighted);
    await gate.decide('oak', queryWeighted);
    expect(warnings.list()).toEqual(
      [
        'the gate was calibrated with bm25, not bm25q',
        'the gate was calibrated with k1 1.2 and b 0.75, not 0.9 and 0.4',
        'the gate was calibrated on an index of the analyzer english, not whitespace',
        'the gate was calibrated on an index of 600 documents, and this has 60',
        'the gate was calibrated on documents of 80 tokens on average, and these have 7',
      ].map((message) => ({ message: differenceText(message), count: 1, first: 'gate.json' })),
    );
  });

  it('does not mind an index that has grown a little', async () => {
    const warnings = new Warnings();
    const { averageLength } = index.statistics;
    const grown = { analyzer: 'whitespace', documents: 57, documentsWithTerms: 57, averageLength };
    await gateOf(gateRecordOf(record.rule, { index: grown }), 'gate', warnings).decide('ash', retriever);
    expect(warnings.list()).toEqual([]);
  });

  it('says for which reasoning it was calibrated where that is another', () => {
    expect(reasoningDifferences(record, { reasoner: 'rm3', combine: 'replace' })).toEqual([]);
    expect(reasoningDifferences(record, { reasoner: 'file:a.json', combine: 'rrf' })).toEqual([
      'the gate was calibrated for the reasoner rm3, not file:a.json',
      'the gate was calibrated for the combination replace, not rrf',
    ]);
  });
});
