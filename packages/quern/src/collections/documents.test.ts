import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Warnings } from '../warnings.ts';
import { jsonlCorpus } from './documents.ts';
import type { Document } from './records.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-documents-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'corpus.jsonl');

async function documents(content: string, warnings = new Warnings()): Promise<Document[]> {
  writeFileSync(path, content);
  const corpus = await jsonlCorpus(path, { warnings });
  const found: Document[] = [];
  for await (const { document } of corpus.documents()) found.push(document);
  return found;
}

const one = async (record: unknown): Promise<Document | undefined> =>
  (await documents(JSON.stringify(record)))[0];

describe('documents of a JSONL file', () => {
  it('have their place, in the order of the file, blank lines skipped', async () => {
    writeFileSync(path, '{"id":"a","text":"x"}\n\n  \r\n{"id":"b","text":"y"}\n');
    const corpus = await jsonlCorpus(path);
    const places: string[] = [];
    for await (const { where, document } of corpus.documents()) places.push(`${document.id} ${where}`);
    expect(places).toEqual([`a ${path}:1`, `b ${path}:4`]);
    expect(corpus.bytes).toBe(49);
  });

  it('can be read again from the beginning', async () => {
    writeFileSync(path, '{"id":"a"}\n');
    const corpus = await jsonlCorpus(path);
    for (let round = 0; round < 2; round++) {
      let count = 0;
      for await (const _ of corpus.documents()) count++;
      expect(count).toBe(1);
    }
  });

  it('take their id and text from any of the usual fields', async () => {
    for (const idField of ['id', '_id', 'docid']) {
      for (const textField of ['text', 'contents', 'content', 'body']) {
        expect(await one({ [idField]: 'd', title: 't', [textField]: 'x' })).toEqual({
          id: 'd',
          title: 't',
          text: 'x',
        });
      }
    }
  });

  it('keep further fields as metadata, those of a nested metadata object beside them', async () => {
    expect(
      await one({ _id: 'd', id: 7, text: 'x', content: 'y', url: 'u', metadata: { lang: 'en' } }),
    ).toEqual({
      id: 'd',
      title: '',
      text: 'x',
      metadata: { id: 7, content: 'y', url: 'u', lang: 'en' },
    });
    expect(await one({ _id: 'd', text: 'x', metadata: {} })).toEqual({ id: 'd', title: '', text: 'x' });
  });

  it('may have an integer for an id, which becomes a string', async () => {
    expect((await one({ id: 0, text: 'x' }))?.id).toBe('0');
  });

  it.each([
    ['no id', '{"text":"x"}'],
    ['a null id', '{"id":null,"text":"x"}'],
    ['an empty id', '{"id":"","text":"x"}'],
    ['a boolean id', '{"id":true,"text":"x"}'],
    ['a fraction for an id', '{"id":1.5,"text":"x"}'],
    ['a number for an id that cannot be kept exactly', '{"id":12345678901234567890,"text":"x"}'],
    ['a control character in its id', '{"id":"a\\tb","text":"x"}'],
    ['half of a surrogate pair in its id', '{"id":"\\ud800","text":"x"}'],
    ['a text that is a number', '{"id":"a","text":5}'],
    ['a title that is a list', '{"id":"a","title":[],"text":"x"}'],
    ['no JSON', 'id,text'],
    ['JSON that ends early', '{"id":"a"'],
    ['JSON that is not an object', '["a"]'],
    ['JSON nested without end', '['.repeat(100_000)],
  ])('with %s are an error at file and line', async (_, line) => {
    const content = `{"id":"ok","text":"x"}\n${line}\n`;
    await expect(documents(content)).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${path}:2` });
  });

  it('show the beginning of a malformed line in the error', async () => {
    await expect(documents(`{"id": oops\u0007${'x'.repeat(200)}`)).rejects.toThrow(
      `${path}:1: malformed JSON: "{\\"id\\": oops\\u0007${'x'.repeat(48)}…". Write one JSON object on each line`,
    );
  });

  it('without any text are counted and kept', async () => {
    const warnings = new Warnings();
    const content = '{"id":"a"}\n{"id":"b","title":" ","text":"\\n"}\n{"id":"c","title":null,"text":null}\n';
    expect(await documents(content, warnings)).toHaveLength(3);
    expect(warnings.list()).toEqual([{ message: 'empty document', count: 3, first: `${path}:1` }]);
  });

  it('with a title but no field for the text are counted, for the text may stand elsewhere', async () => {
    const warnings = new Warnings();
    await documents('{"id":"a","title":"t","abstract":"x"}', warnings);
    expect(warnings.list()).toMatchObject([{ message: expect.stringContaining('no text'), count: 1 }]);
  });
});
