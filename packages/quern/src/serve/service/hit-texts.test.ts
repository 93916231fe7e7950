import { afterAll, beforeAll, expect, it } from 'vitest';
import { indexOf } from '../../../test/small-index.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import type { LexicalIndex } from '../../lexical/lexical-index.ts';
import { NoReasoner } from '../../reason/none.ts';
import { LexicalRetriever } from '../../search/lexical-retriever.ts';
import { answer } from '../../search/pipeline.ts';
import { hitTexts, type HitText } from './hit-texts.ts';

const folder = temporaryFolder();
const count = 40;
/** Of 700,000 characters, with a word that is searched at the end. */
const long = `oak ${'elm fir larch '.repeat(50_000)}yew`;
let index: LexicalIndex;

beforeAll(async () => {
  const texts = Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i}`, long]));
  index = await indexOf(folder, texts, 'whitespace', { store: true });
});
afterAll(() => index.close());

/** The texts of what is found; the index has them at once, so that nothing but the work itself lets others in. */
async function textsOf(
  what: 'passage' | 'whole',
  { k = count, signal, begun }: { readonly k?: number; readonly signal?: AbortSignal; begun?(): void } = {},
): Promise<Map<string, HitText>> {
  const retriever = new LexicalRetriever(index, 'bm25');
  const pipeline = { retriever, reasoner: new NoReasoner(), combine: { kind: 'replace' as const } };
  const found = await answer(pipeline, 'oak yew', { k });
  const atOnce = Object.create(index) as LexicalIndex;
  atOnce.document = async (id) => ({ id, title: '', text: long });
  begun?.();
  return hitTexts(found, atOnce, retriever, what, signal);
}

it('looks for a passage in the first quarter of a million characters of a text', async () => {
  const texts = await textsOf('passage', { k: 1 });
  expect(texts.size).toBe(1);
  expect([...texts.values()][0]!.text).toMatch(/^oak elm fir larch elm/);
});

it('tells whole texts up to sixteen million characters, and says so of more', async () => {
  const texts = await textsOf('whole', { k: 20 });
  expect([...texts.values()].map(({ text }) => text)).toEqual(Array.from({ length: 20 }, () => long));
  await expect(textsOf('whole')).rejects.toMatchObject({ code: 'BAD_INPUT', where: 'texts' });
});

it('lets others in, and ends when nobody waits for it any more', async () => {
  const stopping = new AbortController();
  const begun = (): void => void setImmediate(() => stopping.abort());
  await expect(textsOf('passage', { signal: stopping.signal, begun })).rejects.toMatchObject({
    code: 'ABORTED',
  });
});
