import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, afterAll, describe, expect, it } from 'vitest';
import { Warnings } from '../warnings.ts';
import type { TermVector } from './records.ts';
import { vectorCorpus } from './vectors.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-vectors-'));
const path = join(folder, 'vectors.jsonl');
const meta = join(folder, 'vectors.meta.json');
afterEach(() => rmSync(meta, { force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

async function vectors(content: string | Uint8Array, warnings = new Warnings()): Promise<TermVector[]> {
  writeFileSync(path, content);
  const found: TermVector[] = [];
  for await (const { document } of (await vectorCorpus(path, { warnings })).documents()) found.push(document);
  return found;
}

describe('JSON vectors', () => {
  it('are maps of terms to frequencies, from plain and gzip files', async () => {
    const line = '{"id":"a","vector":{"oper":2,"7":1,"__proto__":2147483647}}\n';
    const vector = new Map([
      ['7', 1],
      ['oper', 2],
      ['__proto__', 2147483647],
    ]);
    expect(await vectors(line)).toEqual([{ id: 'a', vector }]);
    expect(await vectors(gzipSync(line))).toEqual([{ id: 'a', vector }]);
  });

  it('that are empty are empty documents, counted and kept', async () => {
    const warnings = new Warnings();
    expect(await vectors('{"id":"a","vector":{}}', warnings)).toEqual([{ id: 'a', vector: new Map() }]);
    expect(warnings.list()).toEqual([{ message: 'empty document', count: 1, first: `${path}:1` }]);
  });

  it.each([
    ['no vector', '{"id":"a"}'],
    ['a list', '{"id":"a","vector":[1]}'],
    ['a null vector', '{"id":"a","vector":null}'],
    ['no id', '{"vector":{"a":1}}'],
    ['a frequency of 0', '{"id":"a","vector":{"t":0}}'],
    ['a negative frequency', '{"id":"a","vector":{"t":-1}}'],
    ['a fraction', '{"id":"a","vector":{"t":1.5}}'],
    ['a frequency of 2^31', '{"id":"a","vector":{"t":2147483648}}'],
    ['an infinite frequency', '{"id":"a","vector":{"t":1e999}}'],
    ['a string for a frequency', '{"id":"a","vector":{"t":"1"}}'],
    ['an empty term', '{"id":"a","vector":{"":1}}'],
    ['half of a surrogate pair as a term', '{"id":"a","vector":{"\\udc00":1}}'],
  ])('with %s are an error at file and line', async (_, line) => {
    await expect(vectors(line)).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:1` });
  });

  it('name the analyzer that their meta file states, else the one that is known', async () => {
    writeFileSync(path, '');
    expect((await vectorCorpus(path)).analyzer).toBeUndefined();
    expect((await vectorCorpus(path, {}, 'known')).analyzer).toBe('known');
    writeFileSync(meta, '{"analyzer": "english", "made": "by hand"}\n');
    expect((await vectorCorpus(path, {}, 'known')).analyzer).toBe('english');
  });

  it.each(['{', '[]', '{"analyzer": 1}', '{"analyzer": ""}'])(
    'with the meta file %s are an error',
    async (text) => {
      writeFileSync(path, '');
      writeFileSync(meta, text);
      await expect(vectorCorpus(path)).rejects.toMatchObject({ code: 'BAD_INPUT', where: meta });
    },
  );
});
