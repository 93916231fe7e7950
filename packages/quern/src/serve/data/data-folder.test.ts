import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataFolders, entries, line, pieces, stalled } from '../../../test/data-folder.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { DataFolder } from './data-folder.ts';

const openedData = dataFolders();

describe('a data folder', () => {
  it('is opened by one at a time', async () => {
    const { data, path } = await openedData();
    await expect(DataFolder.open(path)).rejects.toMatchObject({ code: 'LOCKED' });
    await data.close();
    await (await DataFolder.open(path)).close();
  });

  it('deletes a corpus, but not while a file comes to it', async () => {
    const { data, path } = await openedData();
    await data.corpora.receive('a', 'corpus.jsonl', pieces(line('a')));
    const { bytes, arrived, stop } = stalled(line('q'));
    const receiving = data.corpora.receive('a', 'queries.jsonl', bytes);
    await arrived;
    await expect(data.corpora.delete('a')).rejects.toMatchObject({ code: 'LOCKED' });
    stop();
    await receiving;
    await data.corpora.delete('a');
    expect(await entries(path)).toEqual([]);
    expect(data.bytes).toBe(0);
    await expect(data.corpora.delete('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(data.corpora.get('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('stops what is on its way when it is closed', async () => {
    const { data, path } = await openedData();
    const { bytes, arrived } = stalled(line('a'));
    const receiving = data.corpora.receive('a', 'corpus.jsonl', bytes).catch((error: unknown) => error);
    await arrived;
    await data.close();
    expect(await receiving).toMatchObject({ code: 'ABORTED' });
    expect(await entries(path)).toEqual([]);
    const late = data.corpora.receive('a', 'corpus.jsonl', pieces(line('a')));
    await expect(late).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('clears what was left under passing names, puts back what has no successor, and leaves all else', async () => {
    const { data, path } = await openedData();
    await data.corpora.receive('kept', 'corpus.jsonl', pieces(line('a')));
    await data.close();
    const hex = '0123456789abcdef';
    for (const name of [
      `corpora/.a.${hex}.gone/qrels`,
      `indexes/.i.${hex}.partial.partial-12-01234567`,
      'corpora/bare/qrels',
      `indexes/.i.${hex}.old`,
      `indexes/.j.${hex}.old`,
      'indexes/j',
    ]) {
      await mkdir(join(path, name), { recursive: true });
    }
    for (const name of [
      `corpora/.a.${hex}.partial`,
      'corpora/bare/facts.json',
      `indexes/.i.${hex}.old/x`,
      'indexes/j/y',
      'corpora/.foreign',
      'corpora/.a.0.partial',
      'notes.txt',
    ]) {
      await writeFile(join(path, name), '');
    }
    await openedData({}, path);
    expect(await entries(path)).toEqual([
      'corpora/.a.0.partial',
      'corpora/.foreign',
      'corpora/kept',
      'corpora/kept/corpus.jsonl',
      'corpora/kept/facts.json',
      'indexes/i',
      'indexes/i/x',
      'indexes/j',
      'indexes/j/y',
      'notes.txt',
    ]);
  });
});

describe('a link in the data folder', () => {
  const secret = join(temporaryFolder(), 'secret');

  async function plantedData(): Promise<{ data: DataFolder; path: string }> {
    await mkdir(secret, { recursive: true });
    for (const name of ['corpus.jsonl', 'manifest.json', 'test.tsv'])
      await writeFile(join(secret, name), line('secret'));
    return openedData();
  }

  it.each(['corpora', 'indexes'])('in place of %s is refused when it is opened', async (name) => {
    const { data, path } = await plantedData();
    await data.close();
    await rm(join(path, name), { recursive: true });
    await symlink(secret, join(path, name));
    await expect(DataFolder.open(path)).rejects.toMatchObject({ code: 'IO', where: name });
    await rm(join(path, name));
    await (await DataFolder.open(path)).close();
  });

  it('in place of a corpus is not followed by anything', async () => {
    const { data, path } = await plantedData();
    await symlink(secret, join(path, 'corpora/a'));
    const linked = { code: 'IO', what: expect.stringContaining('symbolic link') };
    await expect(data.corpora.receive('a', 'corpus.jsonl', pieces(line('a')))).rejects.toMatchObject(linked);
    await expect(data.corpora.get('a')).rejects.toMatchObject(linked);
    await expect(data.corpora.delete('a')).rejects.toMatchObject(linked);
    await expect(data.indexes.build({ index: 'i', corpus: 'a' })).rejects.toMatchObject(linked);
    expect(await data.corpora.list()).toEqual([
      { name: 'a', error: { code: 'IO', message: expect.stringContaining('symbolic link') } },
    ]);
    expect(await readFile(join(secret, 'corpus.jsonl'), 'utf8')).toBe(line('secret'));
    expect(await readdir(join(path, 'corpora'))).toEqual(['a']);
  });

  it('in place of a file or of a folder of judgements is not followed, nor written to', async () => {
    const { data, path } = await plantedData();
    await data.corpora.receive('a', 'queries.jsonl', pieces(line('q')));
    await symlink(join(secret, 'corpus.jsonl'), join(path, 'corpora/a/corpus.jsonl'));
    await symlink(secret, join(path, 'corpora/a/qrels'));
    for (const [file, text] of [
      ['corpus.jsonl', line('a')],
      ['qrels/test.tsv', 'q\td\t1\n'],
    ] as const) {
      await expect(data.corpora.receive('a', file, pieces(text))).rejects.toMatchObject({ code: 'IO' });
    }
    await expect(data.indexes.build({ index: 'i', corpus: 'a' })).rejects.toMatchObject({ code: 'IO' });
    await expect(data.corpora.get('a')).rejects.toMatchObject({ code: 'IO' });
    // Deleting takes the link itself.
    await data.corpora.delete('a');
    for (const name of ['corpus.jsonl', 'test.tsv']) {
      expect(await readFile(join(secret, name), 'utf8')).toBe(line('secret'));
    }
  });

  it('in place of an index or within one is not followed', async () => {
    const { data, path } = await plantedData();
    await symlink(secret, join(path, 'indexes/i'));
    await mkdir(join(path, 'indexes/j'));
    await symlink(join(secret, 'manifest.json'), join(path, 'indexes/j/manifest.json'));
    for (const name of ['i', 'j']) {
      const linked = { code: 'IO', what: expect.stringContaining('symbolic link') };
      await expect(data.indexes.get(name)).rejects.toMatchObject(linked);
      await expect(data.indexes.open(name, async () => 'opened')).rejects.toMatchObject(linked);
    }
    await expect(data.indexes.delete('i')).rejects.toMatchObject({ code: 'IO' });
    await data.indexes.delete('j');
    expect(existsSync(join(secret, 'manifest.json'))).toBe(true);
    expect((await lstat(join(path, 'indexes/i'))).isSymbolicLink()).toBe(true);
  });
});
