import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answer, counting, endingAt, queries, records } from '../../../test/batch-reasoners.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { QuernError } from '../../errors.ts';
import { reasonBatch } from '../batch.ts';

const folder = temporaryFolder();
let files = 0;

function fresh(): string {
  return join(folder, `batch-${files++}.jsonl`);
}

/** The lines of a journal that has three of four calls. */
async function journalOf(out: string): Promise<string[]> {
  await expect(reasonBatch(endingAt('d'), queries, { out })).rejects.toThrow('gone');
  return readFileSync(`${out}.partial`, 'utf8').trimEnd().split('\n');
}

function bytesOf(content: string | Buffer): Buffer {
  return Buffer.from(content);
}

describe('a damaged journal', () => {
  /** What a line can become. */
  const damages: [string, (line: string, lines: string[]) => string | Buffer][] = [
    ['no JSON', (line) => line.slice(1)],
    ['null', () => 'null'],
    ['bytes that a power cut left empty', () => Buffer.alloc(100)],
    ['bytes that are no text', (line) => Buffer.from(line.replace('because', 'b\u00e9cause'), 'latin1')],
    ['a position beyond the queries', (line) => line.replace(/"position":\d/, '"position":4')],
    ['a negative position', (line) => line.replace(/"position":\d/, '"position":-1')],
    ['a broken position', (line) => line.replace(/"position":\d/, '"position":0.5')],
    ['the position of another query', (line) => line.replace(/"position":\d/, '"position":3')],
    ['a sample beyond the samples', (line) => line.replace('"sample":0', '"sample":1')],
    ['an entry that was there before', (_, lines) => lines[1]],
    ['a finish that is none', (line) => line.replace('"stop"', '"done"')],
    ['tokens that are none', (line) => line.replace('"completionTokens":2', '"completionTokens":null')],
  ];

  it.each(damages)('is kept up to its end, where that is %s', async (_, damage) => {
    const out = fresh();
    const lines = await journalOf(out);
    const kept = `${lines.slice(0, 3).join('\n')}\n`;
    writeFileSync(`${out}.partial`, Buffer.concat([Buffer.from(kept), bytesOf(damage(lines[3], lines))]));
    appendFileSync(`${out}.partial`, '\n');
    const mended = counting();
    expect(await reasonBatch(mended, queries, { out })).toMatchObject({ resumed: 2 });
    expect(mended.asked).toEqual(['c/0', 'd/0']);
    expect(records(out).map(({ text }) => text)).toEqual(queries.map(({ query }) => `${query} because 0`));
  });

  it.each(damages)('is an error that names the line, where entries follow %s', async (_, damage) => {
    const out = fresh();
    const lines = await journalOf(out);
    const bytes = [lines[0], lines[1], damage(lines[2], lines), lines[3]];
    writeFileSync(`${out}.partial`, Buffer.concat(bytes.flatMap((line) => [bytesOf(line), bytesOf('\n')])));
    const before = readFileSync(`${out}.partial`);
    await expect(reasonBatch(counting(), queries, { out })).rejects.toMatchObject({
      code: 'CORRUPT_FILE',
      where: `${out}.partial:3`,
    });
    expect(readFileSync(`${out}.partial`)).toEqual(before);
  });

  it('is kept, whatever it is cut to', async () => {
    const out = fresh();
    await journalOf(out);
    const whole = readFileSync(`${out}.partial`);
    for (let length = 0; length <= whole.length; length += 7) {
      writeFileSync(`${out}.partial`, whole.subarray(0, length));
      const lines = whole.subarray(0, length).toString('utf8').split('\n').length - 1;
      expect(await reasonBatch(counting(), queries, { out })).toMatchObject({
        resumed: Math.max(0, lines - 1),
      });
      await rm(out);
    }
  });

  it('may hold a failure and, later, what came of asking again', async () => {
    const out = fresh();
    const failing = counting({
      b: () => answer('b', '', 'failed'),
      c: () => {
        throw new QuernError('NETWORK', 'gone');
      },
    });
    await expect(reasonBatch(failing, queries, { out })).rejects.toThrow('gone');
    await expect(reasonBatch(endingAt('c'), queries, { out })).rejects.toThrow('gone');
    const last = counting();
    expect(await reasonBatch(last, queries, { out })).toMatchObject({ resumed: 2 });
    expect(last.asked).toEqual(['c/0', 'd/0']);
  });
});
