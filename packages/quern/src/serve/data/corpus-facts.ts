/**
 * What is known of a corpus's files without reading them again: how many records each has. It is kept beside them, with the
 * size and the time of the file that was counted; of another file, put there by other means, nothing is known.
 */
import type { BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';
import * as z from 'zod';
import { fileError } from '../../errors.ts';
import { passingName, type CorpusFile } from './data-names.ts';
import type { PlainTree } from './plain-tree.ts';

/** The name of the file that they are kept in. */
export const corpusFactsName = 'facts.json';
const mostBytes = 1 << 20;

/** A content of a file, and how many records it has. */
const countSchema = z.object({ content: z.string(), records: z.int().nonnegative() });
const factsSchema = z.record(z.string(), z.array(countSchema));

/** Of each file, the contents that it may have now: a new count is noted before its file takes the place of the old one. */
export type CorpusFacts = z.infer<typeof factsSchema>;

/** What tells a content of a file from another. */
export function contentOf({ size, mtimeNs }: Pick<BigIntStats, 'size' | 'mtimeNs'>): string {
  return `${size}-${mtimeNs}`;
}

/** The facts of a corpus, as far as there are any that can be read. */
export async function readCorpusFacts(tree: PlainTree, corpus: string): Promise<CorpusFacts> {
  const file = await tree.openFile('corpora', corpus, corpusFactsName);
  if (file === undefined) return {};
  try {
    if ((await file.stat()).size > mostBytes) return {};
    const { data } = factsSchema.safeParse(JSON.parse(await file.readFile('utf8')));
    return data ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw fileError(error, `corpora/${corpus}/${corpusFactsName}`);
  } finally {
    await file.close();
  }
}

/** Notes how many records a file is about to have, and forgets all counts but that and the one of the file that is there. */
export async function noteRecords(
  tree: PlainTree,
  {
    corpus,
    file,
    content,
    records,
  }: {
    readonly corpus: string;
    readonly file: CorpusFile;
    readonly content: string;
    readonly records: number;
  },
  there: string | undefined,
): Promise<void> {
  const facts = await readCorpusFacts(tree, corpus);
  const kept = (facts[file] ?? []).filter((each) => each.content === there && there !== content);
  const passing = passingName(corpus, 'partial');
  try {
    const draft = await open(tree.path('corpora', passing), 'wx', 0o600);
    try {
      await draft.writeFile(JSON.stringify({ ...facts, [file]: [...kept, { content, records }] }));
      await draft.sync();
    } finally {
      await draft.close();
    }
    await tree.rename('corpora', passing, `${corpus}/${corpusFactsName}`);
  } catch (error) {
    await tree.remove('corpora', passing).catch(() => undefined);
    throw fileError(error, `corpora/${corpus}`);
  }
}
