import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { beside, counting, endingAt, failingAt, queries, records } from '../../../test/batch-reasoners.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { reasonBatch } from '../batch.ts';

const folder = temporaryFolder();
let files = 0;

function fresh(): string {
  return join(folder, `batch-${files++}.jsonl`);
}

describe('the file of a batch', () => {
  it('names the batch in each record, the same in each', async () => {
    const out = fresh();
    await reasonBatch(counting(), queries, { out });
    const names = records(out).map(({ batch }) => batch);
    expect(names[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(names).toEqual(queries.map(() => names[0]));
  });

  it.each(['.jsonl', '.jsonl.gz'])(
    'is gone on from: only what failed is asked again, and nothing when all is done (%s)',
    async (ending) => {
      const out = fresh().replace('.jsonl', ending);
      const options = { out, samples: 2 };
      expect(await reasonBatch(failingAt('b', 'd'), queries, options)).toMatchObject({ failed: 4 });
      const mended = failingAt('d');
      expect(await reasonBatch(mended, queries, options)).toMatchObject({ resumed: 4, failed: 2 });
      expect(mended.asked).toEqual(['b/0', 'b/1', 'd/0', 'd/1']);
      expect(await reasonBatch(counting(), queries, options)).toMatchObject({ resumed: 6, failed: 0 });
      const idle = counting();
      const { ino } = statSync(out);
      expect(await reasonBatch(idle, queries, options)).toMatchObject({ resumed: 8, completionTokens: 0 });
      expect(idle.asked).toEqual([]);
      expect(statSync(out).ino).toBe(ino);
      const once = fresh();
      await reasonBatch(counting(), queries, { out: once, samples: 2 });
      expect(records(out)).toEqual(records(once));
      expect(beside(out)).toEqual([]);
    },
  );

  it('keeps what failed written when the run that asks again is ended, which goes on the time after', async () => {
    const out = fresh();
    await reasonBatch(failingAt('b', 'c', 'd'), queries, { out });
    const before = readFileSync(out, 'utf8');
    await expect(reasonBatch(endingAt('d'), queries, { out })).rejects.toThrow('gone');
    expect(readFileSync(out, 'utf8')).toBe(before);
    const last = counting();
    expect(await reasonBatch(last, queries, { out })).toMatchObject({ resumed: 3 });
    expect(last.asked).toEqual(['d/0']);
    expect(records(out).map(({ text }) => text)).toEqual(queries.map(({ query }) => `${query} because 0`));
  });

  it('is not overwritten by another batch', async () => {
    const out = fresh();
    await reasonBatch(counting(), queries, { out });
    const before = readFileSync(out, 'utf8');
    for (const other of [
      () => reasonBatch(counting(), queries.slice(1), { out }),
      () => reasonBatch(counting(), [...queries.slice(1), { id: 'id0', query: 'a' }], { out }),
      () => reasonBatch(counting(), queries, { out, samples: 2 }),
      () => reasonBatch(counting(), queries, { out, settings: 'another index' }),
      () => reasonBatch({ ...counting(), id: 'another' }, queries, { out }),
      () => reasonBatch({ ...counting(), cacheKey: async () => 'another model' }, queries, { out }),
    ]) {
      await expect(other()).rejects.toMatchObject({ code: 'ALREADY_EXISTS', where: out });
    }
    expect(readFileSync(out, 'utf8')).toBe(before);
    expect(beside(out)).toEqual([]);
  });

  it.each([
    ['notes', 'my notes\n'],
    ['JSON lines of somebody else', '{"query": "a", "text": "b"}\n'],
    ['blank lines', '\n\n'],
    ['no text', Buffer.from([0xff, 0xfe, 0x0a])],
  ])('is not written over %s, and nothing is asked', async (_, content) => {
    const out = fresh();
    writeFileSync(out, content);
    const reasoner = counting();
    await expect(reasonBatch(reasoner, queries, { out })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      where: out,
      hint: expect.stringContaining('Choose another file'),
    });
    expect(reasoner.asked).toEqual([]);
    expect(readFileSync(out)).toEqual(Buffer.from(content));
    expect(beside(out)).toEqual([]);
  });

  it.each([
    ['a line less', (lines: string[]) => lines.slice(1)],
    ['a line less at its end', (lines: string[]) => lines.slice(0, -1)],
    ['a line more', (lines: string[]) => [...lines, lines[0]]],
    ['another order', (lines: string[]) => lines.toReversed()],
    [
      'a text that is none',
      (lines: string[]) => [lines[0].replace(/"text":"[^"]*"/, '"text":1'), ...lines.slice(1)],
    ],
  ])('is not trusted with %s', async (_, changed) => {
    const out = fresh();
    await reasonBatch(counting(), queries, { out });
    const content = `${changed(readFileSync(out, 'utf8').trimEnd().split('\n')).join('\n')}\n`;
    writeFileSync(out, content);
    await expect(reasonBatch(counting(), queries, { out })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(readFileSync(out, 'utf8')).toBe(content);
  });

  it('may be there, as long as it is empty', async () => {
    const out = fresh();
    writeFileSync(out, '');
    await reasonBatch(counting(), queries, { out });
    expect(records(out).length).toBe(4);
  });

  it('is no folder and no device, which is told before anything is asked', async () => {
    const out = fresh();
    mkdirSync(out);
    const reasoner = counting();
    await expect(reasonBatch(reasoner, queries, { out })).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('is a folder'),
    });
    await expect(reasonBatch(reasoner, queries, { out: '/dev/null' })).rejects.toMatchObject({ code: 'IO' });
    expect(reasoner.asked).toEqual([]);
  });

  it('has one journal and one lock, by whatever name it goes', async () => {
    const out = fresh();
    writeFileSync(out, '');
    const link = fresh();
    symlinkSync(out, link);
    await expect(reasonBatch(endingAt('c'), queries, { out: link })).rejects.toThrow('gone');
    expect(await reasonBatch(counting(), queries, { out })).toMatchObject({ resumed: 2 });
  });
});
