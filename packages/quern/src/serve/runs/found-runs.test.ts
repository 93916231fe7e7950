import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { foundRuns } from './found-runs.ts';

const root = realpathSync(temporaryFolder());

function write(...path: string[]): void {
  const file = join(root, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '');
}

async function found(folders: readonly string[], limits = {}): Promise<string[]> {
  const { found: runs } = await foundRuns(
    folders.map((folder) => join(root, folder)),
    limits,
  );
  return runs.map(({ kind, folder }) => `${kind} ${relative(root, folder)}`);
}

it('runs are found in a folder, and in folders of it, as deep as two', async () => {
  write('a', 'training', 'config.yaml');
  write('a', 'training', 'checkpoint-1', 'config.yaml');
  write('a', 'bright', 'biology', 'evaluation.json');
  write('a', 'bright', 'evaluations.json');
  write('a', 'deep', 'er', 'still', 'evaluation.json');
  write('a', 'going.partial-1-0123abcd', 'evaluation.json');
  write('a', 'notes', 'notes.md');
  const runs = ['evaluation a/bright/biology', 'training a/training'];
  expect(await found(['a'])).toEqual(runs);
  expect(await found(['a/bright/biology'])).toEqual(runs.slice(0, 1));
  expect(await found(['a/training', 'a', 'nothing'])).toEqual(runs.toReversed());
});

it('links are followed where they are declared, and nowhere else', async () => {
  write('elsewhere', 'evaluation.json');
  mkdirSync(join(root, 'b'));
  symlinkSync(join(root, 'elsewhere'), join(root, 'b', 'link'));
  expect(await found(['b'])).toEqual([]);
  expect(await found(['b/link'])).toEqual(['evaluation elsewhere']);
});

it('no more is looked for than the limits say, and that there may be more is said', async () => {
  for (let i = 0; i < 10; i++) write('c', `run-${i}`, 'evaluation.json');
  const folder = [join(root, 'c')];
  expect((await foundRuns(folder)).isCut).toBe(false);
  for (const limits of [{ runs: 3 }, { folders: 4 }, { names: 3 }]) {
    const { found: runs, isCut } = await foundRuns(folder, limits);
    expect([runs.length, isCut]).toEqual([3, true]);
  }
});
