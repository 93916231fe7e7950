import { mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { analyzerNamed } from '../text/analyzers.ts';
import { dumpIndex } from '../../test/index-dump.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { IndexBuilder } from './index-builder.ts';
import { indexInfo } from './index-info.ts';
import { IndexWriter, type IndexWriterOptions } from './index-writer.ts';
import { LexicalIndex } from './lexical-index.ts';
import { namedFiles, readManifest } from './manifest.ts';

const folder = temporaryFolder();
let made = 0;

/** A path for an index that no other test has. */
function newPath(): string {
  return join(folder, `index-${made++}`);
}

/** Builds an index of texts by their ids. */
async function build(
  texts: Readonly<Record<string, string>>,
  { store = false, out = newPath() } = {},
): Promise<string> {
  const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace'), store });
  for (const [id, text] of Object.entries(texts)) await builder.add({ id, title: '', text }, id);
  await builder.finish();
  return out;
}

async function writerFor(index: string, options?: IndexWriterOptions): Promise<IndexWriter> {
  const writer = await IndexWriter.open(index, options);
  onTestFinished(() => writer.abandon());
  return writer;
}

async function add(writer: IndexWriter, texts: Readonly<Record<string, string>>): Promise<void> {
  for (const [id, text] of Object.entries(texts)) await writer.add({ id, title: '', text }, id);
}

/** What the index holds is what a build of these texts holds, and its folder holds nothing that is not needed. */
async function expectIndexOf(
  index: string,
  texts: Readonly<Record<string, string>>,
  store = false,
): Promise<void> {
  const fresh = await build(texts, { store });
  expect(await dumpIndex(index)).toEqual(await dumpIndex(fresh));
  await rm(fresh, { recursive: true });
  const names = (await readdir(index)).filter((name) => name !== 'writer.lock');
  expect(names.sort()).toEqual([...namedFiles(await readManifest(index))].sort());
}

describe('an index that is written to', () => {
  it('has what was added, replaced and deleted, once it is committed', async () => {
    const index = await build({ a: 'x y', b: 'y z', c: 'z' });
    const writer = await writerFor(index);
    await add(writer, { b: 'new', d: 'x x' });
    expect(await writer.delete('c')).toBe(true);
    expect(await writer.delete('c')).toBe(false);
    expect(await writer.delete('none')).toBe(false);
    expect(await dumpIndex(index)).toMatchObject({ documents: 3, documentFrequencies: { x: 1, y: 2, z: 2 } });
    expect(await writer.commit()).toEqual({
      added: 1,
      replaced: 1,
      removed: 1,
      documents: 3,
      documentsWithTerms: 3,
      postings: 4,
      tokens: 5,
      deleted: 2,
      segments: 2,
      generation: 2,
    });
    await writer.close();
    await expectIndexOf(index, { a: 'x y', b: 'new', d: 'x x' });
  });

  it('takes what is added and deleted before a commit as if the rest had never been', async () => {
    const index = await build({ a: 'x', b: 'y' });
    const writer = await writerFor(index);
    await add(writer, { c: 'once only', a: 'gone' });
    await add(writer, { c: 'twice', d: 'there' });
    expect(await writer.delete('a')).toBe(true);
    expect(await writer.delete('d')).toBe(true);
    expect(await writer.delete('d')).toBe(false);
    expect([writer.placeOf('c'), writer.placeOf('d'), writer.documents]).toEqual(['c', undefined, 1]);
    expect(await writer.commit()).toMatchObject({ added: 1, replaced: 0, removed: 1, documents: 2 });
    await writer.close();
    await expectIndexOf(index, { b: 'y', c: 'twice' });
  });

  it('stays as it was where nothing changed, and where the writer is closed without a commit', async () => {
    const index = await build({ a: 'x' });
    const manifest = await readFile(join(index, 'manifest.json'), 'utf8');
    const writer = await writerFor(index);
    expect(await writer.commit()).toMatchObject({ added: 0, generation: 1, segments: 1 });
    await add(writer, { b: 'y' });
    await writer.delete('a');
    await writer.close();
    expect(await readFile(join(index, 'manifest.json'), 'utf8')).toBe(manifest);
    await expectIndexOf(index, { a: 'x' });
    await expect(writer.commit()).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('may lose all its documents and get new ones', async () => {
    const index = await build({ a: 'x', b: 'y' });
    const writer = await writerFor(index);
    await writer.delete('a');
    await writer.delete('b');
    expect(await writer.commit()).toMatchObject({ documents: 0, deleted: 0, segments: 0 });
    await expectIndexOf(index, {});
    await add(writer, { a: 'again' });
    await writer.commit();
    await writer.close();
    await expectIndexOf(index, { a: 'again' });
    await build({ z: 'over it' }, { out: index });
    await expectIndexOf(index, { z: 'over it' });
  });

  it('follows it in whether documents are stored', async () => {
    const index = await build({ a: 'x', b: 'y' }, { store: true });
    const writer = await writerFor(index);
    expect(writer.stored).toBe(true);
    await expect(writer.addVector('v', new Map([['t', 1]]), 'here')).rejects.toMatchObject({ code: 'USAGE' });
    await add(writer, { b: 'replaced', c: 'dropped', d: 'z' });
    await writer.delete('c');
    await writer.commit();
    await writer.close();
    await expectIndexOf(index, { a: 'x', b: 'replaced', d: 'z' }, true);
  });

  it('is not changed by documents that are refused, and goes on', async () => {
    const index = await build({ a: 'x' });
    const writer = await writerFor(index);
    for (const [id, vector] of [
      ['', [['x', 1]]],
      ['a', [['x', 0]]],
      ['\ud800', [['x', 1]]],
    ] as const) {
      // prettier-ignore
      const adding = writer.addVector(id, new Map(vector), 'line 7');
      await expect(adding).rejects.toMatchObject({ code: 'BAD_INPUT', where: 'line 7' });
    }
    await add(writer, { b: 'y' });
    await writer.commit();
    await writer.close();
    await expectIndexOf(index, { a: 'x', b: 'y' });
  });

  it('is refused to a second writer, a build included, until the first lets go', async () => {
    const index = await build({ a: 'x' });
    const writer = await writerFor(index);
    const locked = { code: 'LOCKED', where: index, message: expect.stringContaining('this process') };
    await expect(IndexWriter.open(index)).rejects.toMatchObject(locked);
    await expect(build({}, { out: index })).rejects.toMatchObject(locked);
    await writer.close();
    await build({ b: 'y' }, { out: index });
    await (await writerFor(index)).close();
    await expectIndexOf(index, { b: 'y' });
  });

  it('must be there, of this version, and made with the analyzer that is asked for', async () => {
    const index = await build({ a: 'x' });
    await expect(IndexWriter.open(index, { analyzer: 'english' })).rejects.toMatchObject({
      code: 'ANALYZER_MISMATCH',
    });
    await (await writerFor(index, { analyzer: 'whitespace' })).close();
    await expect(IndexWriter.open(newPath())).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(IndexWriter.open(index, { mergeBudget: 0 })).rejects.toMatchObject({ code: 'USAGE' });
    const old = newPath();
    await mkdir(old);
    await writeFile(join(old, 'index.quern'), 'old');
    await expect(IndexWriter.open(old)).rejects.toMatchObject({ code: 'WRONG_VERSION' });
    expect(await readdir(old)).toEqual(['index.quern']);
    await build({ a: 'new' }, { out: old });
    await expectIndexOf(old, { a: 'new' });
  });

  it.each([
    ['a segment', 'segment-'],
    ['a file of deletions', 'deleted-'],
  ])('is CORRUPT_FILE for readers and writers where %s is missing', async (_, beginning) => {
    const index = await build({ a: 'x', b: 'y', c: 'z', d: 'z' });
    const writer = await writerFor(index);
    await writer.delete('a');
    await writer.commit();
    await writer.close();
    const names = [...namedFiles(await readManifest(index))];
    const missing = join(
      await realpath(index),
      names.find((name) => name.startsWith(beginning))!,
    );
    const whole = await readFile(missing);
    await rm(missing);
    const before = await readdir(index);
    const damaged = { code: 'CORRUPT_FILE', where: missing, hint: expect.stringContaining('build it again') };
    await expect(LexicalIndex.open(await realpath(index))).rejects.toMatchObject(damaged);
    await expect(indexInfo(await realpath(index))).rejects.toMatchObject(damaged);
    await expect(IndexWriter.open(index)).rejects.toMatchObject(damaged);
    expect(await readdir(index)).toEqual(before);
    await writeFile(missing, whole);
    await (await writerFor(index)).close();
    await expectIndexOf(index, { b: 'y', c: 'z', d: 'z' });
  });

  it('is cleared of what killed writers left, and of nothing else', async () => {
    const index = await build({ a: 'x' });
    const ours = ['segment-9.quern', 'deleted-1-7.quern', 'segment-9.pairs.partial', 'manifest.json.partial'];
    const theirs = ['notes.txt', 'segment-9.txt', 'notes.partial'];
    for (const name of [...ours, ...theirs]) await writeFile(join(index, name), '');
    await (await writerFor(index)).close();
    const names = [...theirs, 'manifest.json', 'segment-1.quern'];
    expect((await readdir(index)).sort()).toEqual(names.sort());
  });

  it('stops with ABORTED, and is as it was', async () => {
    const index = await build({ a: 'x' });
    const controller = new AbortController();
    const writer = await writerFor(index, { signal: controller.signal });
    await add(writer, { b: 'y' });
    controller.abort();
    await expect(writer.commit()).rejects.toMatchObject({ code: 'ABORTED' });
    await writer.abandon();
    await expectIndexOf(index, { a: 'x' });
  });
});

describe('merging', () => {
  it('keeps the segments few while documents come in, in single commits', async () => {
    const index = await build({});
    const writer = await writerFor(index);
    const texts: Record<string, string> = {};
    for (let i = 0; i < 60; i++) {
      const more = { [`d${i}`]: `all w${i % 7} once${i}`, [`d${i % 5}`]: `all again${i}` };
      Object.assign(texts, more);
      await add(writer, more);
      await writer.commit();
    }
    await writer.close();
    expect((await readManifest(index)).segments.length).toBeLessThan(9);
    await expectIndexOf(index, texts);
  });

  it('gives the file that a build of the living documents gives, byte for byte', async () => {
    const texts = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d${i}`, `all w${i % 7} o${i}`]));
    const index = await build(texts, { store: true });
    const writer = await writerFor(index);
    for (let i = 0; i < 40; i += 3) {
      await writer.delete(`d${i}`);
      delete texts[`d${i}`];
    }
    await writer.commit();
    await writer.close();
    const fresh = await build(texts, { store: true });
    const [{ file, deletions }] = (await readManifest(index)).segments;
    expect(deletions).toBeUndefined();
    const bytes = await readFile(join(index, file));
    expect(bytes.equals(await readFile(join(fresh, 'segment-1.quern')))).toBe(true);
  });

  it('carries over what is replaced and deleted while it runs, committed or not', async () => {
    const index = await build({});
    const writer = await writerFor(index);
    const texts: Record<string, string> = {};
    for (let i = 0; i < 8; i++) {
      const more = { [`d${i}`]: `w${i}`, [`e${i}`]: `all e${i}` };
      Object.assign(texts, more);
      await add(writer, more);
      if (i < 7) await writer.commit();
    }
    // The last of these starts a merge, and what follows is asked for before that can end.
    const changes = [
      writer.commit(),
      writer.delete('d3'),
      writer.add({ id: 'e5', title: '', text: 'replaced' }, 'here'),
      writer.commit(),
      writer.delete('e1'),
      writer.add({ id: 'd2', title: '', text: 'later' }, 'here'),
    ];
    const [first] = await Promise.all(changes);
    expect(first).toMatchObject({ segments: 8 });
    delete texts.d3;
    delete texts.e1;
    Object.assign(texts, { e5: 'replaced', d2: 'later' });
    await new Promise((done) => setTimeout(done, 50));
    await writer.commit();
    await writer.close();
    await expectIndexOf(index, texts);
  });

  it('that fails is told at the end, and leaves the index as it was', async () => {
    const index = await build({ a: 'x', b: 'y', c: 'z' });
    const { file } = (await readManifest(index)).segments[0];
    const path = join(index, file);
    const damaged = await readFile(path);
    const writer = await writerFor(index);
    await writer.delete('a');
    // A bit of the vectors of c.
    const table = JSON.parse(damaged.toString('latin1').match(/\{"version".*\}/)![0]) as {
      sections: { vectors: { offset: number; bytes: number } };
    };
    const { offset, bytes } = table.sections.vectors;
    damaged[offset + bytes - 6] ^= 1;
    await writeFile(path, damaged);
    await writer.commit();
    await expect(writer.close()).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
    expect((await readdir(index)).sort()).toEqual(['deleted-1-2.quern', 'manifest.json', file]);
  });
});

type Step =
  | { readonly do: 'put'; readonly id: string; readonly text: string }
  | { readonly do: 'delete'; readonly id: string }
  | { readonly do: 'commit' | 'close' | 'abandon' | 'wait' };

it('holds after any changes, commits and merges what a build of its living documents holds', async () => {
  const id = fc.integer({ min: 0, max: 11 }).map((number) => `d${number}`);
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', 'dd', 'é', '\u{1f600}', 'zz'), { maxLength: 6 })
    .map((words) => words.join(' '));
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), id, text }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), id }) },
    { weight: 4, arbitrary: fc.constant({ do: 'commit' as const }) },
    { weight: 1, arbitrary: fc.constantFrom({ do: 'close' as const }, { do: 'abandon' as const }, { do: 'wait' as const }) }, // prettier-ignore
  );
  const steps = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' });
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (all, store) => {
      const index = await build({ d0: 'a b', d1: 'c' }, { store });
      let committed = new Map([['d0', 'a b'], ['d1', 'c']]); // prettier-ignore
      let current = new Map(committed);
      /** What the writer said, and what is so. */
      const found: [unknown, unknown][] = [];
      let writer = await IndexWriter.open(index, { mergeBudget: 3 });
      try {
        for (const each of all) {
          if (each.do === 'put') {
            await writer.add({ id: each.id, title: '', text: each.text }, 'here');
            current.set(each.id, each.text);
          } else if (each.do === 'delete') {
            found.push([await writer.delete(each.id), current.delete(each.id)]);
          } else if (each.do === 'commit') {
            const { documents } = await writer.commit();
            committed = new Map(current);
            found.push([documents, committed.size]);
          } else if (each.do === 'wait') {
            await new Promise((done) => setTimeout(done, 2));
          } else {
            await writer[each.do]();
            current = new Map(committed);
            writer = await IndexWriter.open(index, { mergeBudget: 3 });
          }
        }
      } finally {
        await writer.close();
      }
      expect(found.map(([said]) => said)).toEqual(found.map(([, is]) => is));
      await expectIndexOf(index, Object.fromEntries(committed), store);
      await rm(index, { recursive: true });
    }),
    { numRuns: 25 },
  );
});
