import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { RecordedReasoner } from './recorded.ts';

const folder = temporaryFolder();

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The key of a query, where a file holds these lines. */
async function keyOf(name: string, lines: readonly string[]): Promise<string> {
  const reasoner = await RecordedReasoner.open(file(name, lines.join('\n')));
  return reasoner.cacheKey('Why?');
}

function enough(all: string): { length: number; why: string } | undefined {
  return all.length > 5 ? { length: 5, why: 'five' } : undefined;
}

describe('recorded reasoned queries', () => {
  const text = JSON.stringify({ 'Why?\n': 'Because.', ünïcode: '', ['__proto__']: 'own' });

  it.each([
    ['plain', file('plain.json', text)],
    ['compressed by gzip', file('packed.json.gz', gzipSync(text))],
  ])('are found by the very text of the query, %s', async (_, path) => {
    const reasoner = await RecordedReasoner.open(path);
    expect(reasoner.id).toBe(`file:${path}`);
    expect(await reasoner.reason('Why?\n')).toMatchObject({
      query: 'Why?\n',
      text: 'Because.',
      reasoner: `file:${path}`,
      finish: 'stop',
      cached: true,
      promptTokens: 0,
      completionTokens: 0,
    });
    expect((await reasoner.reason('ünïcode')).text).toBe('');
    expect((await reasoner.reason('__proto__')).text).toBe('own');
    await reasoner.close();
  });

  it('end where the text is enough, and are whole without that', async () => {
    const path = file('ended.json', JSON.stringify({ why: 'first second third', empty: '' }));
    const reasoner = await RecordedReasoner.open(path);
    expect(await reasoner.reason('why', { enough })).toMatchObject({
      text: 'first',
      finish: 'early',
      cached: true,
    });
    expect(await reasoner.reason('why')).toMatchObject({ text: 'first second third', finish: 'stop' });
    expect(await reasoner.reason('empty', { enough })).toMatchObject({ text: '', finish: 'stop' });
  });

  it.each(['Why?', 'why?\n', 'toString', 'constructor', ''])(
    'lack %j, which the error names',
    async (query) => {
      const path = file('lacking.json', text);
      const reasoner = await RecordedReasoner.open(path);
      await expect(reasoner.reason(query)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        where: path,
        message: expect.stringContaining(JSON.stringify(query)),
      });
    },
  );

  it('are asked for with a long query, of which the error shows the beginning', async () => {
    const reasoner = await RecordedReasoner.open(file('long.json', '{}'));
    const error: Error = await reasoner.reason('x'.repeat(5000)).then(
      () => expect.fail('nothing was thrown'),
      (reason: Error) => reason,
    );
    expect(error.message.length).toBeLessThan(600);
    expect(error.message).toContain('xxx…');
  });
});

describe('the lines of a batch', () => {
  const lines = [
    { id: '1', query: 'Why?', sample: 0, text: 'Because.', finish: 'stop' },
    { id: '1', query: 'Why?', sample: 1, text: 'Therefore.', finish: 'stop' },
    { query: 'How?', text: '', finish: 'failed' },
  ].map((line) => JSON.stringify(line));

  it('are recorded reasoned queries too, of which the first sample counts', async () => {
    const reasoner = await RecordedReasoner.open(file('batch.jsonl', lines.join('\n')));
    expect((await reasoner.reason('Why?')).text).toBe('Because.');
    await expect(reasoner.reason('Where?')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('fail where the batch failed, for the same reason', async () => {
    const failure = { code: 'TIMEOUT', message: 'no reasoned query within 1 ms' };
    const failed = JSON.stringify({ query: 'When?', text: '', finish: 'failed', failure });
    const reasoner = await RecordedReasoner.open(file('failed.jsonl', [...lines, failed].join('\n')));
    const reasoned = await reasoner.reason('When?');
    expect(reasoned).toMatchObject({ query: 'When?', text: '', finish: 'failed', failure, cached: true });
    expect(await reasoner.reason('How?')).toMatchObject({
      finish: 'failed',
      failure: { code: 'BAD_REPLY', message: expect.stringContaining('failed') },
    });
  });

  it('do not fail where another sample did not', async () => {
    const samples = [
      { query: 'Why?', sample: 0, text: '', finish: 'failed' },
      { query: 'Why?', sample: 1, text: 'Because.', finish: 'stop' },
      { query: 'Why?', sample: 2, text: '', finish: 'failed' },
    ].map((line) => JSON.stringify(line));
    const reasoner = await RecordedReasoner.open(file('samples.jsonl', samples.join('\n')));
    expect(await reasoner.reason('Why?')).toMatchObject({ text: 'Because.', finish: 'stop' });
  });

  it('have another key as soon as one of them is another', async () => {
    const key = await keyOf('keyed.jsonl', lines);
    expect(await keyOf('keyed-again.jsonl', lines)).toBe(key);
    expect(await keyOf('keyed-other.jsonl', lines.slice(1))).not.toBe(key);
  });

  it('are told by their line where one is none', async () => {
    const path = file('lacking-text.jsonl', `${lines[0]}\n{"query": "x"}\n`);
    await expect(RecordedReasoner.open(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('the record has no text'),
      where: `${path}:2`,
    });
    await expect(
      RecordedReasoner.open(
        file('questions.jsonl', '{"_id": "1", "text": "x"}\n{"_id": "2", "text": "y"}\n'),
      ),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/the record has no query.*quern reason --batch/),
    });
  });
});

describe('a file of reasoned queries', () => {
  it.each([
    ['broken JSON', '{"a": ', /not valid JSON/],
    ['a list', '["a"]', /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    ['a text', '"a"', /not a JSON object/],
    ['nothing', '', /not valid JSON/],
    ['a value that is no text', '{"first": "fine", "the query": 3}', /"the query" is not a text/],
  ])('is refused when it holds %s', async (_, content, message) => {
    const path = file('refused.json', content);
    await expect(RecordedReasoner.open(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      where: path,
      message: expect.stringMatching(message),
    });
  });

  it('is missed when it is not there', async () => {
    const path = join(folder, 'none.json');
    await expect(RecordedReasoner.open(path)).rejects.toMatchObject({ code: 'NOT_FOUND', where: path });
  });
});
