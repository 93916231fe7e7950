import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataFolders, entries, line, pieces, stalled } from '../../../test/data-folder.ts';
import { qrelsFile } from './data-names.ts';

const openedData = dataFolders();

describe('a file that is received', () => {
  it('is in its place when it is whole, with the number of its records', async () => {
    const { data, path } = await openedData();
    const corpus = line('a') + line('b') + line('c');
    expect(await data.corpora.receive('notes', 'corpus.jsonl', pieces(corpus))).toEqual({
      corpus: 'notes',
      file: 'corpus.jsonl',
      bytes: corpus.length,
      records: 3,
      isNew: true,
    });
    await data.corpora.receive('notes', 'queries.jsonl', pieces('{"_id":"q","text":"why"}\n'));
    const qrels = pieces('query-id\tcorpus-id\tscore\nq\ta\t1\nq\tb\t0\n');
    await data.corpora.receive('notes', qrelsFile('dev-2'), qrels);
    expect(await readFile(join(path, 'corpora/notes/corpus.jsonl'), 'utf8')).toBe(corpus);
    expect(await data.corpora.get('notes')).toEqual({
      name: 'notes',
      bytes: corpus.length + 25 + 37,
      documents: 3,
      files: [
        { file: 'corpus.jsonl', bytes: corpus.length, records: 3, modified: expect.any(String) },
        { file: 'queries.jsonl', bytes: 25, records: 1, modified: expect.any(String) },
        { file: 'qrels/dev-2.tsv', bytes: 37, records: 2, modified: expect.any(String) },
      ],
    });
    expect(await data.corpora.list()).toEqual([await data.corpora.get('notes')]);
    expect(data.bytes).toBeGreaterThanOrEqual(corpus.length + 62);
  });

  it('is the same in whatever pieces it comes', async () => {
    const { data, path } = await openedData();
    const text = `\ufeff${line('ä', '😀'.repeat(20_000))}\r\n\n${line('b').trimEnd()}`;
    const bytes = Buffer.from(text);
    for (const size of [1, 7, 65_536, 65_537, bytes.length]) {
      const cut = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const received = await data.corpora.receive('notes', 'corpus.jsonl', pieces(...cut));
      expect(received.records).toBe(2);
      expect(await readFile(join(path, 'corpora/notes/corpus.jsonl'), 'utf8')).toBe(text);
    }
  });

  it('replaces an older one, which stands until then', async () => {
    const { data, path } = await openedData();
    const place = join(path, 'corpora/notes/corpus.jsonl');
    await data.corpora.receive('notes', 'corpus.jsonl', pieces(line('a')));
    const { bytes, arrived, stop } = stalled(line('b') + line('c'));
    const receiving = data.corpora.receive('notes', 'corpus.jsonl', bytes);
    await arrived;
    expect(await readFile(place, 'utf8')).toBe(line('a'));
    expect((await data.corpora.get('notes')).documents).toBe(1);
    stop();
    expect(await receiving).toMatchObject({ records: 2, isNew: false });
    expect(await readFile(place, 'utf8')).toBe(line('b') + line('c'));
    expect((await data.corpora.get('notes')).documents).toBe(2);
  });

  it('is read no faster than it is written', async () => {
    const { data } = await openedData();
    const block = Buffer.from(line('x', 'y'.repeat(65_536 - 40)));
    let given = 0;
    let ahead = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 200; i++) {
        given += block.length;
        // What is settled is nothing: all that is counted is on its way.
        ahead = Math.max(ahead, given - data.bytes);
        yield block;
      }
    }
    const { records } = await data.corpora.receive('big', 'corpus.jsonl', source());
    expect(records).toBe(200);
    expect(ahead).toBeLessThan(4 * 65_536);
  });

  it('counts for nothing where another has been put in its place by other means', async () => {
    const { data, path } = await openedData();
    await data.corpora.receive('notes', 'corpus.jsonl', pieces(line('a')));
    await writeFile(join(path, 'corpora/notes/corpus.jsonl'), line('a') + line('b'));
    const info = await data.corpora.get('notes');
    expect(info).not.toHaveProperty('documents');
    expect(info.bytes).toBe(2 * line('a').length);
  });

  it('comes to one of two that come at once, whole, and the last one is known by its number of records', async () => {
    const { data, path } = await openedData();
    const texts = Array.from({ length: 6 }, (_, i) =>
      Array.from({ length: 100 + i }, (__, j) => line(`${i}-${j}`)).join(''),
    );
    const all = await Promise.all(
      texts.map((text) => data.corpora.receive('notes', 'corpus.jsonl', pieces(text))),
    );
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
    const found = await readFile(join(path, 'corpora/notes/corpus.jsonl'), 'utf8');
    expect(texts).toContain(found);
    expect((await data.corpora.get('notes')).documents).toBe(100 + texts.indexOf(found));
    expect(await entries(path)).toEqual([
      'corpora/notes',
      'corpora/notes/corpus.jsonl',
      'corpora/notes/facts.json',
    ]);
  });
});
