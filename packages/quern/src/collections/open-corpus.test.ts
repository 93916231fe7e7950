import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { openCorpus, type CorpusFormat } from './open-corpus.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-corpus-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const text = '{"id":"a","text":"x"}\n';
const vector = '{"id":"a","vector":{"x":1}}\n';

async function kindAndIds(path: string, format?: CorpusFormat): Promise<[string, ...string[]]> {
  const corpus = await openCorpus(path, { format });
  const ids: string[] = [];
  for await (const { document } of corpus.documents()) ids.push(document.id);
  return [corpus.kind, ...ids];
}

describe('the format of a corpus', () => {
  it('of a folder is told by what is in it', async () => {
    write('beir/corpus.jsonl.gz', gzipSync(text));
    write('beir/readme.md', 'x');
    write('vectors/vectors.jsonl', vector);
    write('texts/sub/a.txt', 'x');
    expect(await kindAndIds(join(folder, 'beir'))).toEqual(['text', 'a']);
    expect(await kindAndIds(join(folder, 'vectors'))).toEqual(['vectors', 'a']);
    expect(await kindAndIds(join(folder, 'texts'))).toEqual(['text', 'sub/a.txt']);
  });

  it('of a JSON lines file is told by its first record', async () => {
    expect(await kindAndIds(write('a.jsonl', text))).toEqual(['text', 'a']);
    expect(await kindAndIds(write('a.json', `\n${vector}`))).toEqual(['vectors', 'a']);
    expect(await kindAndIds(write('b.jsonl.gz', gzipSync(vector)))).toEqual(['vectors', 'a']);
    expect(await kindAndIds(write('none.jsonl', ''))).toEqual(['text']);
  });

  it('of a text file is told by its name', async () => {
    expect(await kindAndIds(write('a.md', 'x'))).toEqual(['text', 'a.md']);
  });

  it('can be given where it cannot be told', async () => {
    const path = write('export', text);
    expect(await kindAndIds(path, 'jsonl')).toEqual(['text', 'a']);
    expect(await kindAndIds(path, 'text')).toEqual(['text', 'export']);
    expect(await kindAndIds(write('export.bin', vector), 'vectors')).toEqual(['vectors', 'a']);
    await expect(openCorpus(path)).rejects.toMatchObject({ code: 'BAD_INPUT', where: path });
    mkdirSync(join(folder, 'nothing'));
    await expect(openCorpus(join(folder, 'nothing'))).rejects.toThrow('beir, jsonl, text, vectors');
  });

  it('that does not fit the path, or does not exist, is an error', async () => {
    await expect(openCorpus(folder, { format: 'jsonl' })).rejects.toMatchObject({ code: 'IO' });
    await expect(openCorpus(folder, { format: 'vectors' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(openCorpus(folder, { format: 'beir' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(openCorpus(join(folder, 'missing'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(openCorpus(folder, { format: 'xml' as CorpusFormat })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });
});

describe('the analyzer of vectors', () => {
  it('is known for theoremqa_theorems in the local BRIGHT layout only', async () => {
    const path = write('bright/theoremqa_theorems/vectors.jsonl', vector);
    expect(await openCorpus(path)).not.toHaveProperty('analyzer', 'english+english');
    write('bright/topics/topics.bright-theoremqa-theorems-original.jsonl.gz', gzipSync(''));
    expect(await openCorpus(path)).toHaveProperty('analyzer', 'english+english');
    expect(await openCorpus(join(path, '..'))).toHaveProperty('analyzer', 'english+english');
    const other = write('bright/biology/vectors.jsonl', vector);
    expect(await openCorpus(other)).not.toHaveProperty('analyzer', 'english+english');
  });

  it.skipIf(!sharedData)('is known for the shared vectors', async () => {
    const corpus = await openCorpus(dataPath('bright/theoremqa_theorems'));
    expect(corpus).toMatchObject({ kind: 'vectors', analyzer: 'english+english' });
  });
});
