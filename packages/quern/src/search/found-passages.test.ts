import { join } from 'node:path';
import { array, assert, asyncProperty, constantFrom, integer } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scripted } from '../../test/scripted-reasoner.ts';
import { indexOf, someQuery, someTexts, words } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { IndexBuilder } from '../lexical/index-builder.ts';
import { LexicalIndex, type StoredDocument } from '../lexical/lexical-index.ts';
import type { Reasoner } from '../reason/reasoner.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { combineNamed } from './combine.ts';
import { passageSearch } from './found-passages.ts';
import { HybridRetriever } from './hybrid-retriever.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { answer, type Answer, type Pipeline } from './pipeline.ts';

const folder = temporaryFolder();
let index: LexicalIndex;
let retriever: LexicalRetriever;

beforeAll(async () => {
  index = await indexOf(folder, someTexts, 'whitespace', { store: true });
  retriever = new LexicalRetriever(index, 'bm25');
});
afterAll(() => index.close());

function heading({ title }: StoredDocument): string {
  return `# ${title}`;
}

function reasonedBy(reasoner: Reasoner, combine = 'replace'): Pipeline {
  return { reasoner, combine: combineNamed(combine), retriever };
}

describe('passages that are found', () => {
  it('are those that the pipeline answers with, in its order, with their scores and texts', async () => {
    const combinations = ['replace', 'concat:2', 'interpolate:0.3', 'rrf'];
    const wordsOf = array(constantFrom(...words), { minLength: 1, maxLength: 5 });
    await assert(
      asyncProperty(
        someQuery,
        wordsOf,
        constantFrom(...combinations),
        integer({ min: 1, max: 70 }),
        array(constantFrom(...Object.keys(someTexts)), { maxLength: 10 }),
        async (question, written, combine, k, excluded) => {
          const pipeline = reasonedBy(scripted({ pieces: [written.join(' ')] }), combine);
          const { hits } = await answer(pipeline, question, { k, excluded });
          const { passages, reasonedQuery } = await passageSearch({ pipeline, index, k, excluded })(question);
          expect(passages.map(({ id, score, rank }) => ({ id, score, rank }))).toEqual(hits);
          expect(passages.length).toBeLessThanOrEqual(k);
          expect(passages.map(({ text }) => text)).toEqual(hits.map(({ id }) => someTexts[id]));
          expect(reasonedQuery).toBe(written.join(' '));
        },
      ),
    );
  });

  it('are, by a retriever alone, those of the question as it is', async () => {
    const { passages, reasonedQuery } = await passageSearch({ pipeline: retriever, index, k: 7 })('oak elm');
    const hits = await retriever.search('oak elm', { k: 7 });
    expect(passages.map(({ id }) => id)).toEqual(hits.map(({ id }) => id));
    expect(hits).toHaveLength(7);
    expect(reasonedQuery).toBeUndefined();
  });

  it('are four where no number is given, and none where nothing is found', async () => {
    const find = passageSearch({ pipeline: retriever, index });
    expect((await find('ash')).passages).toHaveLength(4);
    expect((await find('yew')).passages).toEqual([]);
    expect((await find('')).passages).toEqual([]);
  });

  it('are told of with how the answer came to be', async () => {
    const answers: Answer[] = [];
    const pipeline = reasonedBy(scripted({ pieces: ['oak ', 'fir'] }));
    await passageSearch({ pipeline, index, onAnswer: (found) => answers.push(found) })('elm');
    expect(answers).toMatchObject([{ query: 'elm', reasoned: { text: 'oak fir' }, retriever: 'bm25' }]);
  });
});

describe('the text of a passage', () => {
  const long = `${'gravel sand loam '.repeat(40)}the sourdough starter sleeps in the cellar ${'clay '.repeat(90)}`;
  let described: LexicalIndex;

  beforeAll(async () => {
    const out = join(folder, 'described');
    const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('english'), store: true });
    await builder.add({ id: 'long', title: 'Soil', text: long, metadata: { author: 'Ann' } }, 'a test');
    await builder.add({ id: 'bare', title: 'Sourdough alone', text: '' }, 'a test');
    await builder.finish();
    described = await LexicalIndex.open(out);
  });
  afterAll(() => described.close());

  it('is the document’s own, or its title where it has none, beside title and further fields', async () => {
    const pipeline = new LexicalRetriever(described, 'bm25');
    const { passages } = await passageSearch({ pipeline, index: described })('sourdough');
    expect(passages).toMatchObject([
      { id: 'bare', title: 'Sourdough alone', text: 'Sourdough alone' },
      { id: 'long', title: 'Soil', text: long, metadata: { author: 'Ann' } },
    ]);
  });

  it('is what the caller makes of the document', async () => {
    const pipeline = new LexicalRetriever(described, 'bm25');
    const { passages } = await passageSearch({ pipeline, index: described, text: heading })('sourdough');
    expect(passages.map((passage) => passage.text)).toEqual(['# Sourdough alone', '# Soil']);
  });

  it('is, where its words are bounded, the part of it that most was searched for', async () => {
    const lexical = new LexicalRetriever(described, 'bm25');
    const part = { name: 'bm25', weight: 1, retriever: lexical };
    const hybrid = new HybridRetriever([part, { ...part, name: 'bm25q' }], 'rrf');
    for (const pipeline of [lexical, hybrid]) {
      const { passages } = await passageSearch({ pipeline, index: described, words: 8 })(
        'where does the sourdough starter sleep, in a cellar?',
      );
      const shown = passages.find(({ id }) => id === 'long')!.text;
      expect(shown.split(' ')).toHaveLength(8);
      expect(shown).toContain('sourdough starter sleeps in the cellar');
    }
  });
});

describe('what goes wrong', () => {
  it('is told at once where the index has no texts', async () => {
    const bare = await indexOf(folder, someTexts);
    const pipeline = new LexicalRetriever(bare, 'bm25');
    expect(() => passageSearch({ pipeline, index: bare })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringContaining('Build the index with --store'),
      }),
    );
    await bare.close();
  });

  it('is told at once where a number is none', () => {
    for (const wrong of [{ k: 0 }, { k: 2.5 }, { k: Number.NaN }, { words: 0 }]) {
      expect(() => passageSearch({ pipeline: retriever, index, ...wrong })).toThrow(
        /^(k|words): is a whole number of 1 or more/,
      );
    }
  });

  it('is what the reasoner throws', async () => {
    const failing: Reasoner = {
      ...scripted({ pieces: [] }),
      reason: () => Promise.reject(new Error('the model is gone')),
    };
    await expect(passageSearch({ pipeline: reasonedBy(failing), index })('elm')).rejects.toThrow(
      'the model is gone',
    );
  });

  it('is the signal’s own reason once it is aborted, though the reasoner takes no notice', async () => {
    const deaf: Reasoner = { ...scripted({ pieces: [] }), reason: () => new Promise(() => {}) };
    const find = passageSearch({ pipeline: reasonedBy(deaf), index });
    const controller = new AbortController();
    const finding = find('elm', controller.signal);
    controller.abort();
    await expect(finding).rejects.toHaveProperty('name', 'AbortError');
    await expect(find('elm', AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  });
});
