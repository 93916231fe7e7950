import { join } from 'node:path';
import * as fc from 'fast-check';
import { IndexBuilder } from '../src/lexical/index-builder.ts';
import { LexicalIndex } from '../src/lexical/lexical-index.ts';
import { analyzerNamed } from '../src/text/analyzers.ts';

let built = 0;

/** An index, in a folder of its own inside `folder`, of texts by their ids. */
export async function indexOf(
  folder: string,
  texts: Readonly<Record<string, string>>,
  analyzer = 'whitespace',
  { store = false }: { readonly store?: boolean } = {},
): Promise<LexicalIndex> {
  const out = join(folder, `index-${built++}`);
  const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed(analyzer), store });
  for (const [id, text] of Object.entries(texts)) await builder.add({ id, title: '', text }, id);
  await builder.finish();
  return LexicalIndex.open(out);
}

/** Words that texts are made of; the last one is in no document of {@link someTexts}. */
export const words = [
  'ash',
  'beech',
  'cedar',
  'elm',
  'fir',
  'hazel',
  'larch',
  'maple',
  'oak',
  'yew',
] as const;

/** Sixty texts of one to twelve of the words, `d0` to `d59`; early words are frequent, `yew` does not occur. */
export const someTexts: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from({ length: 60 }, (_, i) => {
    const length = 1 + ((i * 7) % 12);
    const text = Array.from({ length }, (__, j) => words[(((i * i + j * j * j) % 81) % 9) >> ((i + j) % 3)]!);
    return [`d${i}`, text.join(' ')];
  }),
);

/** Questions of up to eight of the words, the empty one among them. */
export const someQuery = fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((each) => each.join(' '));
