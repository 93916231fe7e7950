import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { sentenceTransformersFiles } from '../../test/tiny-onnx-model.ts';
import { checkpointSettings } from './sentence-transformers.ts';

const folder = temporaryFolder();
let count = 0;

function written(files: Readonly<Record<string, unknown>>): string {
  const path = join(folder, String(count++));
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return path;
}

describe('the settings that sentence-transformers wrote', () => {
  it('are none where there are no such files', async () => {
    expect(await checkpointSettings(written({}))).toEqual({});
  });

  it('are read from the older form of its files', async () => {
    const files = sentenceTransformersFiles('mean_tokens', { maxTokens: 256, normalizes: true });
    expect(await checkpointSettings(written(files))).toEqual({
      pooling: 'mean',
      poolsInstruction: true,
      isNormalized: true,
      maxTokens: 256,
    });
  });

  it('are read from the form of version 6', async () => {
    const modules = ['base.modules.Transformer', 'sentence_transformer.modules.Pooling'].map((type, i) => ({
      idx: i,
      name: String(i),
      path: ['', '1_Pooling'][i],
      type: `sentence_transformers.${type}`,
    }));
    const files = {
      'modules.json': modules,
      '1_Pooling/config.json': { embedding_dimension: 3, pooling_mode: 'lasttoken', include_prompt: false },
    };
    expect(await checkpointSettings(written(files))).toEqual({
      pooling: 'last',
      poolsInstruction: false,
      isNormalized: false,
    });
  });

  it.each([
    [
      { query: 'q: ', document: 'd: ' },
      { queryInstruction: 'q: ', documentInstruction: 'd: ' },
    ],
    [
      { query: 'q: ', passage: 'p: ', corpus: 'c: ' },
      { queryInstruction: 'q: ', documentInstruction: 'p: ' },
    ],
    [{ query: 'q: ' }, { queryInstruction: 'q: ', documentInstruction: '' }],
    [{ query: '', document: '' }, {}],
    [{ other: 'o: ' }, {}],
  ])('have the instructions of the prompts %j', async (prompts, expected) => {
    const settings = await checkpointSettings(written(sentenceTransformersFiles('mean_tokens', { prompts })));
    const { queryInstruction, documentInstruction } = settings;
    expect(JSON.parse(JSON.stringify({ queryInstruction, documentInstruction }))).toEqual(expected);
  });

  it('have the default prompt for both kinds of text where none is named for them', async () => {
    const files = sentenceTransformersFiles('mean_tokens');
    const config = { prompts: { mine: 'm: ' }, default_prompt_name: 'mine' };
    const settings = await checkpointSettings(
      written({ ...files, 'config_sentence_transformers.json': config }),
    );
    expect(settings).toMatchObject({ queryInstruction: 'm: ', documentInstruction: 'm: ' });
  });

  it.each([
    ['a pooling that is not done here', sentenceTransformersFiles('max_tokens'), 'UNSUPPORTED'],
    [
      'two poolings at once',
      {
        ...sentenceTransformersFiles('mean_tokens'),
        '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: true },
      },
      'UNSUPPORTED',
    ],
    [
      'another module',
      { 'modules.json': [{ path: '2_Dense', type: 'sentence_transformers.models.Dense' }] },
      'UNSUPPORTED',
    ],
    ['modules that are no list', { 'modules.json': {} }, 'CORRUPT_FILE'],
    ['modules that are no JSON', { 'modules.json': '[' }, 'CORRUPT_FILE'],
    [
      'a module that leads out of the folder',
      { 'modules.json': [{ path: '../x', type: 'a.Pooling' }] },
      'CORRUPT_FILE',
    ],
    [
      'a maximum that is none',
      { ...sentenceTransformersFiles('mean_tokens'), 'sentence_bert_config.json': { max_seq_length: 'x' } },
      'CORRUPT_FILE',
    ],
  ])('are refused where they have %s', async (_, files, code) => {
    await expect(checkpointSettings(written(files))).rejects.toMatchObject({ code });
  });
});
