import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { NoReasoner } from '../reason/none.ts';
import type { Reasoner } from '../reason/reasoner.ts';
import { SeveralReasoner } from '../reason/several.ts';
import { combineNamed } from './combine.ts';
import { explainAnswer } from './explain.ts';
import { HybridRetriever, type PartTakes } from './hybrid-retriever.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { answer, type Answer } from './pipeline.ts';
import type { Retriever } from './retriever.ts';

const folder = temporaryFolder();
let index: LexicalIndex;

beforeAll(async () => {
  index = await indexOf(folder, someTexts);
});
afterAll(() => index?.close());

/** A retriever without term weights: it searches the same index, but says nothing of terms. */
function dense(): Retriever & { asked: string[] } {
  const asked: string[] = [];
  const lexical = new LexicalRetriever(index, 'bm25');
  return {
    id: 'dense:test',
    asked,
    search(query, options) {
      asked.push(query as string);
      return lexical.search(query, options);
    },
  };
}

function saying(text: string): Reasoner {
  const none = new NoReasoner();
  return {
    id: 'saying',
    reason: async (query) => ({ ...(await none.reason(query)), text }),
    close: none.close,
  };
}

/** A reasoner that yields term weights, as RM3 does. */
function weighing(terms: Readonly<Record<string, number>>): Reasoner {
  const weights = new Map(Object.entries(terms));
  const { id, close } = saying('');
  return { id, reason: async (query) => ({ ...(await saying('x').reason(query)), weights }), close };
}

async function searched(
  takes: readonly (PartTakes | undefined)[],
  combine: string,
  reasoner: Reasoner = saying('beech cedar'),
): Promise<{ answered: Answer; retriever: HybridRetriever; asked: string[] }> {
  const plain = dense();
  const parts = [new LexicalRetriever(index, 'bm25'), plain].map((retriever, i) => ({
    retriever,
    weight: 1,
    ...(takes[i] && { takes: takes[i] }),
  }));
  const retriever = new HybridRetriever(parts);
  const pipeline = { retriever, reasoner, combine: combineNamed(combine) };
  return { answered: await answer(pipeline, 'ash', { k: 5 }), retriever, asked: plain.asked };
}

describe('what the parts of a hybrid search', () => {
  it.each([
    [undefined, 'replace', ['beech cedar']],
    [undefined, 'concat:2', ['ash ash beech cedar']],
    [undefined, 'rrf', ['ash', 'beech cedar']],
    ['query', 'replace', ['ash']],
    ['query', 'rrf', ['ash']],
    ['reasoned', 'concat:2', ['beech cedar']],
    ['both', 'replace', ['ash beech cedar']],
    ['both', 'rrf', ['ash beech cedar']],
  ] as const)('is, of one that takes %s, with the combination %s: %j', async (takes, combine, asked) => {
    expect((await searched(['query', takes], combine)).asked).toEqual(asked);
  });
  it('is the query where the reasoned query is term weights, of a part that has none', async () => {
    const { answered, asked } = await searched(
      [undefined, undefined],
      'replace',
      weighing({ ash: 1, beech: 2 }),
    );
    expect(asked).toEqual(['ash']);
    expect(answered.searches[0]).toMatchObject({ from: 'reasoned' });
  });
  it('is the weights alone, where a part takes both and the weights hold the query already', async () => {
    const reasoner = weighing({ ash: 1, beech: 2 });
    const { answered } = await searched(['both', 'query'], 'replace', reasoner);
    expect([...answered.searches[0]!.weights!]).toEqual([
      ['ash', 1],
      ['beech', 2],
    ]);
  });
  it('is fused where texts would be averaged that have no weights', async () => {
    const reasoner = new SeveralReasoner('join:a,b', [
      { reasoner: saying('beech'), sample: 0 },
      { reasoner: saying('cedar'), sample: 0 },
    ]);
    const plain = dense();
    const retriever = new HybridRetriever([
      { retriever: new LexicalRetriever(index, 'bm25'), weight: 1 },
      { retriever: plain, weight: 1 },
    ]);
    const planning = { retriever, reasoner, combine: combineNamed('replace'), join: 'interpolate' } as const;
    const answered = await answer(planning, 'ash', { k: 5 });
    expect(plain.asked).toEqual(['beech', 'cedar']);
    expect(answered.fused).toEqual({ by: 'rrf', weights: [1, 0.5, 0.5] });
  });
  it('cannot be interpolated by a part without term weights, unless it is told what to take', async () => {
    await expect(searched([undefined, undefined], 'interpolate:0.5')).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
    expect((await searched([undefined, 'reasoned'], 'interpolate:0.5')).asked).toEqual(['beech cedar']);
  });
  it('is explained by part, and shares add up to scores', async () => {
    const { answered, retriever } = await searched([undefined, 'query'], 'replace');
    const { searches, hits } = explainAnswer(answered, retriever);
    expect(searches.map((search) => search.retriever)).toEqual(['bm25', 'dense:test']);
    expect(searches.map(({ terms }) => terms.length)).toEqual([2, 0]);
    for (const [i, { ranks = [] }] of hits.entries()) {
      const sum = ranks.reduce((total, { share }) => total + share, 0);
      expect(sum).toBeCloseTo(answered.hits[i]!.score, 6);
    }
  });
});
