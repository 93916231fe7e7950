import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { dataFolders, entries, line, pieces, stalled } from '../../../test/data-folder.ts';
import type { CorpusFile } from './data-names.ts';

const openedData = dataFolders();

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from(line('a'));
  throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

describe('what is refused leaves nothing, and an older file as it was:', () => {
  const tar = Buffer.concat([
    Buffer.from('corpus.jsonl'),
    Buffer.alloc(245),
    Buffer.from('ustar\0'),
    Buffer.alloc(300),
  ]);
  const refused: readonly (readonly [
    what: string,
    file: CorpusFile,
    bytes: string | Uint8Array,
    error: object,
  ])[] = [
    [
      'a line that is no JSON',
      'corpus.jsonl',
      `${line('a')}{"_id": }\n`,
      { code: 'BAD_INPUT', where: 'corpus.jsonl:2' },
    ],
    [
      'a line that is no object',
      'corpus.jsonl',
      `${line('a')}\n[1]\n`,
      { code: 'BAD_INPUT', where: 'corpus.jsonl:3' },
    ],
    [
      'a document without an id',
      'corpus.jsonl',
      '{"text":"x"}',
      { code: 'BAD_INPUT', where: 'corpus.jsonl:1' },
    ],
    [
      'a document without a text',
      'corpus.jsonl',
      '{"_id":"x"}',
      { code: 'BAD_INPUT', where: 'corpus.jsonl:1' },
    ],
    [
      'a text that is a number',
      'corpus.jsonl',
      '{"_id":"x","text":1}',
      { code: 'BAD_INPUT', where: 'corpus.jsonl:1' },
    ],
    [
      'a query without a text',
      'queries.jsonl',
      '{"_id":"x"}',
      { code: 'BAD_INPUT', where: 'queries.jsonl:1' },
    ],
    [
      'a judgement of two fields',
      'qrels/test.tsv',
      'q\td\t1\nq\td\n',
      { code: 'BAD_INPUT', where: 'qrels/test.tsv:2' },
    ],
    [
      'a level that is no number',
      'qrels/test.tsv',
      'a\tb\tc\nq\td\tx\n',
      { code: 'BAD_INPUT', where: 'qrels/test.tsv:2' },
    ],
    [
      'bytes that are no UTF-8',
      'corpus.jsonl',
      Buffer.from('{"_id":"\xff","text":""}', 'latin1'),
      { code: 'BAD_INPUT', where: 'corpus.jsonl:1' },
    ],
    [
      'a line that is too long',
      'corpus.jsonl',
      line('a') + line('b', 'x'.repeat(5000)),
      { code: 'BAD_INPUT', where: 'corpus.jsonl:2' },
    ],
    ['an empty file', 'corpus.jsonl', '', { code: 'BAD_INPUT', where: 'corpus.jsonl', what: 'is empty' }],
    ['a file of blank lines', 'queries.jsonl', '\n \n', { code: 'BAD_INPUT', what: 'is empty' }],
    [
      'a header alone',
      'qrels/test.tsv',
      'query-id\tcorpus-id\tscore\n',
      { code: 'BAD_INPUT', what: 'is empty' },
    ],
    [
      'gzip',
      'corpus.jsonl',
      gzipSync(line('a')),
      { code: 'BAD_INPUT', what: expect.stringContaining('(gzip)') },
    ],
    [
      'zip',
      'corpus.jsonl',
      Buffer.from('PK\x03\x04...'),
      { code: 'BAD_INPUT', what: expect.stringContaining('(zip)') },
    ],
    [
      '7z',
      'corpus.jsonl',
      Buffer.from('7z\xbc\xaf\x27\x1c..', 'latin1'),
      { code: 'BAD_INPUT', what: expect.stringContaining('(7z)') },
    ],
    ['tar', 'qrels/test.tsv', tar, { code: 'BAD_INPUT', what: expect.stringContaining('(tar)') }],
    [
      'zstd',
      'corpus.jsonl',
      Buffer.from('\x28\xb5\x2f\xfd..', 'latin1'),
      { code: 'BAD_INPUT', what: expect.stringContaining('(zstd)') },
    ],
    [
      'a file that is too large',
      'corpus.jsonl',
      line('a').repeat(3000),
      { code: 'TOO_LARGE', where: 'corpus.jsonl', what: 'is larger than 100.0 kB' },
    ],
  ];
  it.each(refused)('%s', async (_, file, bytes, error) => {
    const { data, path } = await openedData({ limits: { mostFileBytes: 100_000, longestLine: 4096 } });
    await expect(data.corpora.receive('new', file, pieces(bytes))).rejects.toMatchObject(error);
    expect(await entries(path)).toEqual([]);
    const good = { 'corpus.jsonl': line('z'), 'queries.jsonl': line('z') }[file as string] ?? 'q\td\t1\n';
    await data.corpora.receive('old', file, pieces(good));
    const before = [await entries(path), await data.corpora.list()];
    await expect(data.corpora.receive('old', file, pieces(bytes))).rejects.toMatchObject(error);
    expect([await entries(path), await data.corpora.list()]).toEqual(before);
  });

  it.each([
    '..',
    '.',
    '',
    'a/b',
    'a\\b',
    '/etc',
    'a.b',
    '.a',
    'A',
    'ä',
    '-a',
    '_a',
    'a\0',
    'a\n',
    'a b',
    'con',
    'nul',
    'com1',
    'x'.repeat(65),
    '%2e%2e',
  ])('%j, which is no name', async (name) => {
    const { data, path } = await openedData();
    const badInput = { code: 'BAD_INPUT' };
    await expect(data.corpora.receive(name, 'corpus.jsonl', pieces(line('a')))).rejects.toMatchObject(
      badInput,
    );
    await expect(data.corpora.get(name)).rejects.toMatchObject(badInput);
    await expect(data.corpora.delete(name)).rejects.toMatchObject(badInput);
    await expect(data.indexes.get(name)).rejects.toMatchObject(badInput);
    await expect(data.indexes.delete(name)).rejects.toMatchObject(badInput);
    await expect(data.indexes.build({ index: name, corpus: 'a' })).rejects.toMatchObject(badInput);
    await expect(data.indexes.build({ index: 'a', corpus: name })).rejects.toMatchObject(badInput);
    const split = `qrels/${name}.tsv` as const;
    await expect(data.corpora.receive('a', split, pieces('q\td\t1\n'))).rejects.toMatchObject(badInput);
    expect(await entries(path)).toEqual([]);
  });

  it('any file that a corpus does not have', async () => {
    const { data, path } = await openedData();
    for (const file of [
      'facts.json',
      'corpus.jsonl.gz',
      '../x',
      'qrels/a/b.tsv',
      'qrels/../../x.tsv',
      'vectors.jsonl',
    ]) {
      await expect(data.corpora.receive('a', file as CorpusFile, pieces(line('a')))).rejects.toMatchObject({
        code: 'BAD_INPUT',
      });
    }
    expect(await entries(path)).toEqual([]);
  });

  it('one whose sender goes away, and one that is stopped', async () => {
    const { data, path } = await openedData();
    await expect(data.corpora.receive('a', 'corpus.jsonl', broken())).rejects.toThrow('ECONNRESET');
    expect(await entries(path)).toEqual([]);
    const { bytes, arrived } = stalled(line('a'));
    const stopping = new AbortController();
    const receiving = data.corpora.receive('a', 'corpus.jsonl', bytes, { signal: stopping.signal });
    await arrived;
    expect((await entries(path)).join()).toMatch(/^corpora\/\.a\.[0-9a-f]{16}\.partial$/);
    stopping.abort();
    await expect(receiving).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await entries(path)).toEqual([]);
  });

  it('one that comes too slowly', async () => {
    const { data, path } = await openedData();
    const leastRate = { bytesPerSecond: 1000, seconds: 0.1 };
    const { bytes } = stalled(line('a'));
    await expect(data.corpora.receive('a', 'corpus.jsonl', bytes, { leastRate })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    expect(await entries(path)).toEqual([]);
  });

  it('what the data folder has no room for', async () => {
    const { data, path } = await openedData({
      limits: { mostTotalBytes: 5000, mostCorpora: 1, mostSplits: 1 },
    });
    await data.corpora.receive('a', 'corpus.jsonl', pieces(line('a')));
    const tooMuch = data.corpora.receive('a', 'queries.jsonl', pieces(line('a').repeat(200)));
    await expect(tooMuch).rejects.toMatchObject({
      code: 'DISK_FULL',
      what: expect.stringContaining('5.0 kB'),
    });
    const another = data.corpora.receive('b', 'corpus.jsonl', pieces(line('a')));
    await expect(another).rejects.toMatchObject({
      code: 'TOO_LARGE',
      what: 'there are 1 corpora, and no more are kept',
    });
    await data.corpora.receive('a', 'qrels/one.tsv', pieces('q\td\t1\n'));
    await data.corpora.receive('a', 'qrels/one.tsv', pieces('q\td\t2\n'));
    const split = data.corpora.receive('a', 'qrels/two.tsv', pieces('q\td\t1\n'));
    await expect(split).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(await readdir(join(path, 'corpora'))).toEqual(['a']);
    expect(data.bytes).toBeLessThan(1000);
  });

  it('what would fill the volume', async () => {
    const { data, path } = await openedData({ limits: { leastFreeBytes: 2 ** 60 } });
    const receiving = data.corpora.receive('a', 'corpus.jsonl', pieces(line('a')));
    await expect(receiving).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await entries(path)).toEqual([]);
  });

  it('more files at once than are taken', async () => {
    const { data } = await openedData({ limits: { mostReceived: 1 } });
    const { bytes, arrived, stop } = stalled(line('a'));
    const receiving = data.corpora.receive('a', 'corpus.jsonl', bytes);
    await arrived;
    const another = data.corpora.receive('b', 'corpus.jsonl', pieces(line('a')));
    await expect(another).rejects.toMatchObject({ code: 'OVERLOADED' });
    stop();
    await receiving;
    await data.corpora.receive('b', 'corpus.jsonl', pieces(line('a')));
  });
});
