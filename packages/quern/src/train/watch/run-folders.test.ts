import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { runFolders } from './run-folders.ts';

const root = realpathSync(temporaryFolder());

/** A folder that holds empty files. */
function folderWith(path: string, ...files: readonly string[]): string {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  for (const file of files) writeFileSync(join(folder, file), '');
  return folder;
}

describe('the folders of runs', () => {
  it.each([
    [['config.yaml']],
    [['state.json']],
    [['metrics.jsonl']],
    [['lock']],
    [['lock', 'lock.own-1', 'random-tiny', 'config.yaml.1.partial']],
  ])('are those that hold %j, as a run does from when it is being opened', async (files) => {
    const run = folderWith(files.join('+'), ...files);
    expect(await runFolders([run])).toEqual([run]);
  });

  it('are all those in a folder that is none itself, by their names, and each is one run however it is named', async () => {
    const b = folderWith('runs/b', 'state.json');
    const a = folderWith('runs/a', 'config.yaml');
    folderWith('runs/index', 'manifest.json');
    folderWith('runs/a/checkpoint-1', 'config.yaml');
    folderWith('runs', 'notes.txt');
    const elsewhere = folderWith('elsewhere', 'state.json');
    symlinkSync(elsewhere, join(root, 'runs', 'link'));
    expect(await runFolders([join(root, 'runs')])).toEqual([a, b]);
    expect(await runFolders([b, join(root, 'runs'), join(root, 'runs', 'link')])).toEqual([b, a, elsewhere]);
  });

  it.each([
    ['none', []],
    ['my.index', ['manifest.json', 'lock']],
    ['a/b', []],
  ])('are none in %j, which is refused', async (path, files) => {
    folderWith(path, ...files);
    const where = join(root, path.split('/')[0]!);
    await expect(runFolders([where])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      where,
      hint: expect.stringContaining('--out') as string,
    });
  });

  it('are asked for once each, and by folders', async () => {
    const run = folderWith('once', 'state.json');
    await expect(runFolders([join(root, 'missing')])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(runFolders([join(run, 'state.json')])).rejects.toMatchObject({ code: 'IO' });
    await expect(runFolders([run, `${run}/../once`])).rejects.toMatchObject({ code: 'USAGE' });
  });
});
