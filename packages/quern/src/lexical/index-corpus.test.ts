import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Placed, TextCorpus, VectorCorpus } from '../collections/corpus.ts';
import type { Document } from '../collections/records.ts';
import { analyzerFor, indexCorpus } from './index-corpus.ts';
import { LexicalIndex } from './lexical-index.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quern-index-corpus-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function textCorpus(ids: readonly string[], after?: () => void): TextCorpus {
  return {
    kind: 'text',
    async *documents(onBytes): AsyncGenerator<Placed<Document>> {
      for (const [i, id] of ids.entries()) {
        onBytes?.(10);
        yield {
          where: `corpus.jsonl:${i + 1}`,
          document: { id, title: 'Jets', text: `of gas, number ${i}` },
        };
      }
      after?.();
    },
  };
}

function vectorCorpus(analyzer?: string): VectorCorpus {
  return {
    kind: 'vectors',
    analyzer,
    async *documents() {
      yield { where: 'vectors.jsonl:1', document: { id: 'a', vector: new Map([['jet', 3]]) } };
    },
  };
}

async function openedIndex(out: string): Promise<LexicalIndex> {
  const index = await LexicalIndex.open(out);
  onTestFinished(() => index.close());
  return index;
}

describe('indexCorpus', () => {
  it('analyses titles and texts, in English unless told otherwise, and tells its progress', async () => {
    const folder = await temporaryFolder();
    const progress: [number, number][] = [];
    const out = join(folder, 'index');
    const summary = await indexCorpus(textCorpus(['a', 'b']), {
      out,
      store: true,
      onProgress: (documents, bytes) => progress.push([documents, bytes]),
    });
    expect(summary).toMatchObject({ analyzer: 'english', documents: 2, tokens: 8 });
    expect(progress).toEqual([[0, 10], [1, 20]]); // prettier-ignore
    const index = await openedIndex(out);
    expect(await index.vector('a')).toEqual(new Map([['0', 1], ['ga', 1], ['jet', 1], ['number', 1]])); // prettier-ignore
    expect(await index.document('b')).toEqual({ title: 'Jets', text: 'of gas, number 1' });
  });

  it('takes term vectors as they are, and keeps the name of what analysed them', async () => {
    const out = join(await temporaryFolder(), 'index');
    await indexCorpus(vectorCorpus('english+english'), { out });
    const index = await openedIndex(out);
    expect(index.analyzer).toBe('english+english');
    expect(await index.vector('a')).toEqual(new Map([['jet', 3]]));
  });

  it('names both places of a repeated id, and leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const indexing = indexCorpus(textCorpus(['a', 'b', 'a']), { out: join(folder, 'index') });
    await expect(indexing).rejects.toMatchObject({
      code: 'BAD_INPUT',
      where: 'corpus.jsonl:3',
      message: expect.stringContaining('corpus.jsonl:1'),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('passes on what the reader of the documents throws, and leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const broken = textCorpus(['a'], () => {
      throw new RangeError('broken reader');
    });
    await expect(indexCorpus(broken, { out: join(folder, 'index') })).rejects.toThrow(
      new RangeError('broken reader'),
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('stops on request while documents are read, and leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const stop = new AbortController();
    const { signal } = stop;
    const onProgress = (documents: number) => documents === 2 && stop.abort();
    const indexing = indexCorpus(textCorpus(['a', 'b', 'c', 'd']), {
      out: join(folder, 'index'),
      signal,
      onProgress,
    });
    await expect(indexing).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses to store the texts of term vectors, which have none, before it makes anything', async () => {
    const folder = await temporaryFolder();
    const indexing = indexCorpus(vectorCorpus('english'), { out: join(folder, 'index'), store: true });
    await expect(indexing).rejects.toMatchObject({ code: 'USAGE' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('analyzerFor', () => {
  it('is what was given, else what made the vectors, else English for texts', () => {
    expect(analyzerFor(textCorpus([]))).toBe('english');
    expect(analyzerFor(textCorpus([]), 'whitespace')).toBe('whitespace');
    expect(analyzerFor(vectorCorpus('none'))).toBe('none');
    expect(analyzerFor(vectorCorpus('none'), 'none')).toBe('none');
    expect(analyzerFor(vectorCorpus(), 'english')).toBe('english');
  });

  it('refuses another analyzer than made the vectors, and to guess one', () => {
    expect(() => analyzerFor(vectorCorpus('english'), 'whitespace')).toThrow(
      expect.objectContaining({ code: 'ANALYZER_MISMATCH', message: expect.stringContaining('whitespace') }),
    );
    expect(() => analyzerFor(vectorCorpus())).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
