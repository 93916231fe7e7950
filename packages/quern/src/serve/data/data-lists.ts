/** What the data folder holds. */
import type { BigIntStats } from 'node:fs';
import { vectorsInfo, type VectorsInfo } from '../../dense/vectors-info.ts';
import { inOrder } from '../../in-order.ts';
import { QuernError } from '../../errors.ts';
import { readManifest } from '../../lexical/manifest.ts';
import { readBuiltRecord } from './built-record.ts';
import { contentOf, readCorpusFacts } from './corpus-facts.ts';
import { isName, partsOf, type CorpusFile } from './data-names.ts';
import type { PlainTree } from './plain-tree.ts';

/** Why something of the data folder cannot be read. */
export interface Unreadable {
  readonly name: string;
  readonly error: { readonly code: string; readonly message: string };
}

/** A file of a corpus. */
export interface CorpusFileInfo {
  readonly file: CorpusFile;
  readonly bytes: number;
  /** Its documents, queries or judgements; absent of a file that was not received but put there. */
  readonly records?: number;
  /** When it was received: ISO 8601. */
  readonly modified: string;
}

/** A corpus. */
export interface CorpusInfo {
  readonly name: string;
  /** Of all its files. */
  readonly bytes: number;
  /** As {@link CorpusFileInfo.records} of `corpus.jsonl`. */
  readonly documents?: number;
  readonly files: readonly CorpusFileInfo[];
}

/** What an index in a folder is. */
export interface FolderIndexInfo {
  readonly documents: number;
  readonly analyzer: string;
  /** Whether titles and texts are stored. */
  readonly stored: boolean;
  /** Of all its files, vectors included. */
  readonly bytes: number;
  readonly generation: number;
  /** An entry for each embedder, by its full name. */
  readonly vectors: readonly Pick<VectorsInfo, 'embedder' | 'vectors' | 'dimensions'>[];
}

/** An index of the data folder. */
export interface DataIndexInfo extends FolderIndexInfo {
  readonly name: string;
  /** The corpus that it was built from and when, where that is known. */
  readonly builtFrom?: {
    readonly corpus: string;
    readonly built: string;
    /** Whether the corpus is still what it was then. */
    readonly isCurrent: boolean;
  };
}

/** A corpus; undefined where there is none, or none of its files. Throws `IO` where a link is among them. */
export async function corpusInfo(tree: PlainTree, name: string): Promise<CorpusInfo | undefined> {
  const facts = await readCorpusFacts(tree, name);
  const splits = (await tree.names('corpora', name, 'qrels'))
    .filter((entry) => entry.endsWith('.tsv') && isName(entry.slice(0, -4)))
    .sort();
  const candidates = ['corpus.jsonl', 'queries.jsonl', ...splits.map((entry) => `qrels/${entry}`)];
  const files: CorpusFileInfo[] = [];
  for (const file of candidates as CorpusFile[]) {
    const found = await openedStats(tree, ['corpora', name, ...partsOf(file)]);
    if (!found) continue;
    const records = facts[file]?.find(({ content }) => content === contentOf(found))?.records;
    files.push({
      file,
      bytes: Number(found.size),
      ...(records !== undefined && { records }),
      modified: found.mtime.toISOString(),
    });
  }
  if (files.length === 0) return undefined;
  const documents = files.find(({ file }) => file === 'corpus.jsonl')?.records;
  const bytes = files.reduce((sum, each) => sum + each.bytes, 0);
  return { name, bytes, ...(documents !== undefined && { documents }), files };
}

/** What the index in a folder is. Throws what reading it throws. */
export async function folderIndexInfo(folder: string): Promise<FolderIndexInfo> {
  const { totals, analyzer, stored, generation, segments } = await readManifest(folder);
  const vectors = await vectorsInfo(folder);
  return {
    documents: totals.documents,
    analyzer,
    stored,
    bytes: [...segments, ...vectors].reduce((sum, { bytes }) => sum + bytes, 0),
    generation,
    vectors: vectors.map(({ embedder, vectors: count, dimensions }) => ({
      embedder,
      vectors: count,
      dimensions,
    })),
  };
}

/** An index; undefined where there is none. Throws what reading it throws, and `IO` where a link is in its folder. */
export async function dataIndexInfo(tree: PlainTree, name: string): Promise<DataIndexInfo | undefined> {
  const folder = ['indexes', name];
  if (!(await tree.hasFolder(...folder))) return undefined;
  const bytes = await tree.bytes(folder, { isChecked: true });
  const info = await folderIndexInfo(tree.path(...folder));
  const record = await readBuiltRecord(tree, name);
  if (!record) return { name, ...info, bytes };
  const { corpus, built, content } = record;
  const current = await contentOfCorpus(tree, corpus).catch(() => undefined);
  return { name, ...info, bytes, builtFrom: { corpus, built, isCurrent: content === current } };
}

/** Entries that are looked into at a time: each takes many steps, and beside other work every step waits. */
const readAtOnce = 8;

/** `info` of each name, or why it cannot be had; without those that are gone meanwhile. */
export async function listed<T>(
  names: readonly string[],
  info: (name: string) => Promise<T | undefined>,
): Promise<(T | Unreadable)[]> {
  const all: (T | Unreadable)[] = [];
  const each = inOrder(names, readAtOnce, async (name) => {
    try {
      return await info(name);
    } catch (error) {
      if (!(error instanceof QuernError)) throw error;
      // In a message, a place may be a path of this machine.
      return { name, error: { code: error.code, message: error.what } };
    }
  });
  for await (const found of each) if (found) all.push(found);
  return all;
}

async function contentOfCorpus(tree: PlainTree, corpus: string): Promise<string | undefined> {
  if (!isName(corpus)) return undefined;
  const found = await openedStats(tree, ['corpora', corpus, 'corpus.jsonl']);
  return found && contentOf(found);
}

async function openedStats(tree: PlainTree, parts: readonly string[]): Promise<BigIntStats | undefined> {
  const file = await tree.openFile(...parts);
  return file?.stat({ bigint: true }).finally(() => file.close());
}
