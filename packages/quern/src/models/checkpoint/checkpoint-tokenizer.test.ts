import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { tinyTokenizer } from '../../../test/tiny-tokenizer.ts';
import { QuernError } from '../../errors.ts';
import { readTokenizer } from './checkpoint-tokenizer.ts';

const folder = temporaryFolder();
const { files } = tinyTokenizer('bytes', 0);

interface TokenizerJson extends Record<string, unknown> {
  readonly model: { readonly vocab: Record<string, number>; readonly merges: unknown[] };
}

const tokenizer = (): TokenizerJson => JSON.parse(files['tokenizer.json']) as TokenizerJson;
const config = (): Record<string, unknown> =>
  JSON.parse(files['tokenizer_config.json']) as Record<string, unknown>;

function write(name: string, value: unknown): void {
  writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
}

beforeEach(() => {
  for (const name of ['vocab.json', 'merges.txt', 'chat_template.jinja'])
    rmSync(join(folder, name), { force: true });
  for (const [name, text] of Object.entries(files)) write(name, text);
});

it('reads tokens by id with their kinds, merges, special ids and the chat template', async () => {
  const { added_tokens: added, ...rest } = tokenizer();
  write('tokenizer.json', {
    ...rest,
    added_tokens: [...(added as unknown[]), { id: 302, content: '<tool>', special: false }],
  });
  const found = await readTokenizer(folder);
  expect(found.tokens).toHaveLength(303);
  expect(found.tokens.slice(296)).toEqual([
    { text: 'om', kind: 'normal' },
    { text: '<|endoftext|>', kind: 'control' },
    { text: '<|im_start|>', kind: 'control' },
    { text: '<|im_end|>', kind: 'control' },
    undefined,
    undefined,
    { text: '<tool>', kind: 'added' },
  ]);
  expect(found.merges.slice(0, 3)).toEqual(['Ġ t', 'Ġ a', 'h e']);
  expect(found).toMatchObject({
    beginToken: undefined,
    endToken: 299,
    paddingToken: 297,
    addsBeginToken: false,
  });
  expect(found.chatTemplate).toBe(config()['chat_template']);
});

it('reads vocab.json and merges.txt as the same tokenizer', async () => {
  const whole = await readTokenizer(folder);
  const { vocab, merges } = tokenizer().model;
  rmSync(join(folder, 'tokenizer.json'));
  write('vocab.json', vocab);
  write('merges.txt', `#version: 0.2\n${merges.join('\n')}\n`);
  expect(await readTokenizer(folder)).toEqual(whole);
});

it('reads merges as pairs, and special tokens as objects', async () => {
  const whole = await readTokenizer(folder);
  const json = tokenizer();
  write('tokenizer.json', {
    ...json,
    model: { ...json.model, merges: json.model.merges.map((merge) => String(merge).split(' ')) },
  });
  write('tokenizer_config.json', { ...config(), eos_token: { content: '<|im_end|>', lstrip: false } });
  expect(await readTokenizer(folder)).toEqual(whole);
});

it('takes chat_template.jinja before the template of the configuration, and the default one of several', async () => {
  write('chat_template.jinja', 'from the file');
  expect((await readTokenizer(folder)).chatTemplate).toBe('from the file');
  rmSync(join(folder, 'chat_template.jinja'));
  const named = [
    { name: 'tool_use', template: 'no' },
    { name: 'default', template: 'yes' },
  ];
  write('tokenizer_config.json', { ...config(), chat_template: named });
  expect((await readTokenizer(folder)).chatTemplate).toBe('yes');
  write('tokenizer_config.json', { ...config(), chat_template: undefined });
  expect((await readTokenizer(folder)).chatTemplate).toBeUndefined();
});

it('says what is missing', async () => {
  rmSync(join(folder, 'tokenizer.json'));
  write('vocab.json', {});
  await expect(readTokenizer(folder)).rejects.toMatchObject({ code: 'NOT_FOUND', where: folder });
  await expect(readTokenizer(folder)).rejects.toThrow(
    /neither tokenizer.json nor both vocab.json and merges.txt/,
  );
  rmSync(join(folder, 'tokenizer_config.json'));
  await expect(readTokenizer(folder)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    where: join(folder, 'tokenizer_config.json'),
  });
});

it.each<[string, string, unknown, string, RegExp]>([
  ['a text that is no JSON', 'tokenizer.json', '{', 'CORRUPT_FILE', /not JSON/],
  ['a list', 'tokenizer_config.json', [], 'CORRUPT_FILE', /not a JSON object/],
  [
    'an end that is no token',
    'tokenizer_config.json',
    { eos_token: '</s>' },
    'CORRUPT_FILE',
    /eos_token "<\/s>"/,
  ],
  ['another model', 'tokenizer.json', { model: { type: 'Unigram' } }, 'UNSUPPORTED', /Unigram/],
  [
    'another way of splitting',
    'tokenizer.json',
    { ...tokenizer(), pre_tokenizer: { type: 'Whitespace' } },
    'UNSUPPORTED',
    /split/,
  ],
  [
    'an id of 2^63',
    'tokenizer.json',
    { ...tokenizer(), model: { vocab: { a: 2 ** 63 }, merges: [] } },
    'CORRUPT_FILE',
    /"a" has no id/,
  ],
  [
    'a negative id',
    'tokenizer.json',
    { ...tokenizer(), model: { vocab: { a: -1 }, merges: [] } },
    'CORRUPT_FILE',
    /"a" has no id/,
  ],
  [
    'two tokens of one id',
    'tokenizer.json',
    { ...tokenizer(), model: { vocab: { a: 1, b: 1 }, merges: [] } },
    'CORRUPT_FILE',
    /one id, 1/,
  ],
  [
    'a merge of three',
    'tokenizer.json',
    { ...tokenizer(), model: { vocab: {}, merges: ['a b c'] } },
    'CORRUPT_FILE',
    /"a b c" is no pair/,
  ],
])('refuses %s', async (_, name, value, code, message) => {
  write(name, value);
  await expect(readTokenizer(folder)).rejects.toMatchObject({ code });
  await expect(readTokenizer(folder)).rejects.toThrow(message);
});

it('reads or gives a typed error, whatever a field of its files holds', async () => {
  const { model, ...outer } = tokenizer();
  const parts = { 'tokenizer.json': { model, ...outer }, 'tokenizer_config.json': config(), model };
  const change = fc.constantFrom(...(Object.keys(parts) as (keyof typeof parts)[])).chain((part) =>
    fc.record({
      part: fc.constant(part),
      field: fc.constantFrom(...Object.keys(parts[part])),
      value: fc.jsonValue(),
    }),
  );
  await fc.assert(
    fc.asyncProperty(change, async ({ part, field, value }) => {
      const changed = { ...parts[part], [field]: value };
      const name = part === 'model' ? 'tokenizer.json' : part;
      write(name, part === 'model' ? { ...outer, model: changed } : changed);
      const ended = await readTokenizer(folder).catch((error: unknown) => error);
      write(name, files[name]);
      expect(ended instanceof Error && !(ended instanceof QuernError)).toBe(false);
    }),
    { numRuns: 200 },
  );
});
