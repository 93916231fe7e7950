import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ReasonedQueryCache } from '../src/reason/cache/reasoned-query-cache.ts';
import { reasonedQuery } from './reasoned-query.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const cacheFolder = join(folder, 'cache');

async function fill(): Promise<void> {
  const cache = await ReasonedQueryCache.open(cacheFolder);
  for (const [reasoner, queries] of [
    ['llama:small', 3],
    ['openai:large', 2],
  ] as const) {
    for (let i = 0; i < queries; i++) {
      await cache.put(`${reasoner} ${i}`, reasonedQuery(`query ${i}`, { reasoner, text: 'x'.repeat(9000) }));
    }
  }
  await cache.close();
}

beforeAll(fill);

describe('quern cache', () => {
  it('stats says what is remembered, by reasoner', async () => {
    const stats = await quernJson<Record<string, unknown>>(['cache', 'stats', '--cache', cacheFolder]);
    expect(stats).toMatchObject({
      cache: cacheFolder,
      entries: 5,
      bytesOfText: 45_000,
      reasoners: [
        { reasoner: 'llama:small', entries: 3, promptTokens: 210, completionTokens: 90 },
        { reasoner: 'openai:large', entries: 2, promptTokens: 140, completionTokens: 60 },
      ],
      warnings: [],
    });
    const { stdout, code } = await quern(['cache', 'stats'], { env: { QUERN_CACHE: cacheFolder } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/: 5 reasoned queries, 45 kB of text, \d+ kB on disk\n/);
    expect(stdout).toMatch(/^llama:small +3 +210 +90$/m);
  });

  it('makes nothing where there is no cache yet', async () => {
    const none = join(folder, 'none');
    for (const command of [['stats'], ['clear'], ['prune', '--older-than', '1d']]) {
      const { code, stderr } = await quern(['cache', ...command, '--cache', none]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
    expect(await quernJson(['cache', 'stats', '--cache', none])).toMatchObject({ entries: 0, reasoners: [] });
    expect(existsSync(none)).toBe(false);
  });

  it('prune removes what one of its options is true of, clear all', async () => {
    const at = ['--cache', cacheFolder];
    expect(await quernJson(['cache', 'prune', '--older-than', '30d', ...at])).toMatchObject({
      removed: 0,
      left: 5,
    });
    expect(await quernJson(['cache', 'prune', '--reasoner', 'openai:large', ...at])).toMatchObject({
      removed: 2,
      left: 3,
    });
    const { removed, left } = await quernJson<Record<'removed' | 'left', number>>(
      ['cache', 'prune', '--max-size', '30kB'].concat(at),
    );
    expect([removed > 0, left > 0, removed + left]).toEqual([true, true, 3]);
    expect((await quern(['cache', 'clear', ...at])).stdout).toBe(
      `${cacheFolder}: ${left} reasoned quer${left === 1 ? 'y' : 'ies'} removed, 0 left\n`,
    );
    expect(await quernJson(['cache', 'stats', ...at])).toMatchObject({ entries: 0 });
    await fill();
  });

  it.each([
    [['prune'], /nothing says what to remove/],
    [['prune', '--older-than', `${'30'.repeat(20)}d`], /too large a duration/],
    [['prune', '--older-than', 'yesterday'], /--older-than .*not a duration/],
    [['prune', '--max-size', '1.5GB'], /--max-size .*not a size/],
    [['empty'], /unknown command/],
    [['stats', 'more'], /too many arguments/],
    [[], /Commands:/],
  ])('is wrong usage: %j', async (args, message) => {
    const { code, stderr } = await quern(['cache', ...args], { env: { QUERN_CACHE: cacheFolder } });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('says where a damaged cache went, and goes on with an empty one', async () => {
    await writeFile(join(cacheFolder, 'reasoned', 'queries.mdb'), 'damaged');
    const { code, stdout, stderr } = await quern(['cache', 'stats', '--cache', cacheFolder]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/: 0 reasoned queries/);
    const aside = (await readdir(cacheFolder)).find((name) => name.startsWith('reasoned.corrupt-'));
    expect(stderr).toContain(join(cacheFolder, aside!));
    expect((await quern(['cache', 'stats', '--cache', cacheFolder])).stderr).toBe('');
  });

  it('fails where the folder is a file', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const { code, stderr } = await quern(['cache', 'stats', '--cache', file]);
    expect(code).toBe(1);
    expect(stderr).toContain(file);
  });
});
