import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { readConfiguration } from './configuration.ts';

const folder = temporaryFolder();

function file(content: string | Uint8Array, name = 'quern.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const name = 'openai:org/m:7b@http://localhost:8000/v1';
const everything = {
  keyVariable: 'MY_KEY',
  concurrency: 32,
  retries: 0,
  timeout: 2.5,
  totalTimeout: 30,
  prices: { input: 0.1, output: 0.4, currency: 'EUR' },
  sampling: { temperature: 0, topP: 1, topK: 0, repetitionPenalty: 1, maxTokens: 64 },
};

describe('a configuration', () => {
  it('is read from YAML', async () => {
    const path = file(`
# Our servers
reasoners:
  ${name}:
    keyVariable: MY_KEY
    concurrency: 32
    retries: 0
    timeout: 2.5
    totalTimeout: 30
    prices: { input: 0.1, output: 0.4, currency: EUR }
    sampling:
      temperature: 0
      topP: 1
      topK: 0
      repetitionPenalty: 1
      maxTokens: 64
  openai:m:
    retries: 1
`);
    const { reasoners } = await readConfiguration(path);
    expect([...reasoners]).toEqual([
      [name, everything],
      ['openai:m', { retries: 1 }],
    ]);
  });

  it.each([undefined, 2, '\t'])('is read from JSON, indented by %j', async (indent) => {
    const path = file(JSON.stringify({ reasoners: { [name]: everything } }, null, indent), 'quern.json');
    expect([...(await readConfiguration(path)).reasoners]).toEqual([[name, everything]]);
  });

  it('declares models of this process too, with adapters that count from its folder', async () => {
    const path = file(
      'reasoners: { "llama:m.gguf": { sampling: { temperature: 0 }, adapters: [a.gguf, /b.gguf] } }',
    );
    expect((await readConfiguration(path)).reasoners.get('llama:m.gguf')).toEqual({
      sampling: { temperature: 0 },
      adapters: [join(folder, 'a.gguf'), '/b.gguf'],
    });
    const wrong = file('reasoners:\n  llama:m.gguf:\n    keyVariable: KEY\n');
    await expect(readConfiguration(wrong)).rejects.toMatchObject({ code: 'BAD_INPUT', where: `${wrong}:3` });
  });

  it('may declare nothing', async () => {
    expect((await readConfiguration(file('{}'))).reasoners.size).toBe(0);
    expect((await readConfiguration(file('\ufeffreasoners: {}\r\n'))).reasoners.size).toBe(0);
  });

  it.each<[string, number, RegExp]>([
    ['reasoner: {}', 1, /unknown key reasoner$/],
    [
      `reasoners:\n  openai:m:\n    retries: 1\n    retires: 2`,
      4,
      /unknown key reasoners › openai:m › retires$/,
    ],
    [`reasoners:\n  openai:m:\n    sampling:\n      top_k: 2`, 4, /sampling › top_k$/],
    [`reasoners:\n  openai:m:\n    headers: { a: b }`, 3, /headers$/],
    [`{"reasoners": {"openai:m": {\n"__proto__": {"retries": 1}}}}`, 2, /__proto__/],
    [`reasoners:\n  openai:m:\n    retries: many`, 3, /retries: .*expected number/],
    [`reasoners:\n  openai:m:\n    retries: -1`, 3, /retries/],
    [`reasoners:\n  openai:m:\n    concurrency: 0`, 3, /concurrency/],
    [`reasoners:\n  openai:m:\n    concurrency: 1.5`, 3, /concurrency/],
    [`reasoners:\n  openai:m:\n    timeout: 301`, 3, /timeout/],
    [`reasoners:\n  openai:m:\n    timeout: .inf`, 3, /timeout/],
    [`reasoners:\n  openai:m:\n    totalTimeout: .nan`, 3, /totalTimeout/],
    [`reasoners:\n  openai:m:\n    prices: { input: 1 }`, 3, /prices › output/],
    [
      `reasoners:\n  openai:m:\n    prices:\n      input: 1\n      output: 1\n      currency: dollars`,
      6,
      /three capital/,
    ],
    [`reasoners:\n  openai:m: 7`, 2, /expected object/],
    [`reasoners:\n  none: {}`, 2, /does not start with openai:/],
    [`reasoners:\n  openai:m@ftp://h: {}`, 2, /not HTTP/],
    [`reasoners:\n  __proto__: {}`, 2, /does not start with openai:/],
    [`reasoners: []`, 1, /expected record/],
    [`reasoners:\n  openai:m: {}\n  openai:m: {}`, 3, /unique/],
    [`reasoners:\n  openai:m: !!js/function "x"`, 2, /tag/],
    [`reasoners:\n  - a\n b`, 3, /not valid/],
    [`a: 1\n---\nb: 2`, 2, /not valid/],
  ])('is refused as %j, at line %i', async (content, line, message) => {
    const path = file(content);
    await expect(readConfiguration(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      where: expect.stringMatching(new RegExp(`quern\\.yaml:${line}$`)),
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    ['nothing', '', /expected object/],
    ['a list', '[]', /expected object/],
    ['invalid UTF-8', Uint8Array.of(0x61, 0x3a, 0xff), /UTF-8/],
    ['too much', `# ${'x'.repeat(1 << 20)}`, /larger than 1048576 bytes/],
    ['nothing but brackets', '['.repeat(50_000), /nested too deeply|not valid/],
    [
      'aliases of aliases of aliases',
      [
        'a0: &a0 [x, x]',
        ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`),
      ].join('\n'),
      /alias|unknown key/,
    ],
    ['an alias of nothing', 'reasoners: *unknown', /alias/i],
    ['itself', 'reasoners: &a\n  openai:m: *a', /unknown key|expected|alias/],
  ])('is refused when it holds %s', async (_, content, message) => {
    const path = file(content);
    await expect(readConfiguration(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(message),
    });
  });

  it('is refused without repeating what may be secret', async () => {
    for (const content of [
      'reasoners:\n  openai:m@http://user:hunter2@h/v1: {}',
      'reasoners:\n  openai:m@http://user:hunter2@h/v1: { unknown: 1 }',
      'reasoners:\n  openai:m: { keyVariable: sk-hunter2 }',
    ]) {
      await expect(readConfiguration(file(content))).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: expect.not.stringContaining('hunter2'),
      });
    }
  });

  it('is missed when it is not there', async () => {
    const path = join(folder, 'none.yaml');
    await expect(readConfiguration(path)).rejects.toMatchObject({ code: 'NOT_FOUND', where: path });
    await expect(readConfiguration(folder)).rejects.toMatchObject({ code: 'IO' });
  });
});
