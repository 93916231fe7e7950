import { spawnSync } from 'node:child_process';
import { sample, string } from 'fast-check';
import { expect, it } from 'vitest';
import { shellCommand, shellWord } from './shell-words.ts';

it('leaves plain words as they are, and quotes others', () => {
  expect(shellWord('runs/first-2.yaml')).toBe('runs/first-2.yaml');
  expect(shellWord('')).toBe("''");
  expect(shellWord("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  expect(shellCommand('python3', ['-m', 'a b'], { URL: 'http://h:1', EMPTY: '' })).toBe(
    "URL=http://h:1 EMPTY='' python3 -m 'a b'",
  );
});

it.skipIf(process.platform === 'win32')('is read back by a shell as it was, whatever it holds', () => {
  const words = sample(
    string({ unit: 'grapheme', maxLength: 12 }).map((word) => word.replaceAll('\0', '')),
    { numRuns: 300, seed: 1 },
  );
  const hostile = ['$(touch x)', '`x`', "';x;'", '"', '\\', '\n', '*', '~', '-n', '!!', '#'];
  const all = [...words, ...hostile];
  const script = `printf '%s\\0' ${all.map(shellWord).join(' ')}`;
  const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  expect(stdout.split('\0').slice(0, -1)).toEqual(all);
});
