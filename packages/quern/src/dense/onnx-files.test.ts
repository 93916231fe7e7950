import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FakeHub } from '../../test/fake-hub.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { sentenceTransformersFiles, tinyWeight, writeTinyOnnx } from '../../test/tiny-onnx-model.ts';
import { openEmbedder } from './embedders.ts';
import { onnxFiles } from './onnx-files.ts';

const folder = temporaryFolder();
let models = 0;

function written(): string {
  const path = join(folder, `model-${models++}`);
  writeTinyOnnx(path, { files: sentenceTransformersFiles('mean_tokens') });
  return path;
}

describe('the files of an ONNX model', () => {
  it('are the model in onnx/, or one beside the configuration, with weights that lie apart', async () => {
    const path = written();
    writeFileSync(join(path, 'onnx/model.onnx_data'), 'weights');
    writeFileSync(join(path, 'onnx/model_quantized.onnx'), 'another');
    const files = await onnxFiles(path);
    expect(files).toMatchObject({ subfolder: 'onnx', type: 'fp32', knownAs: `model-${models - 1}` });
    expect(files.weights).toEqual(
      ['model.onnx', 'model.onnx_data'].map((name) => join(files.folder, 'onnx', name)),
    );
    renameSync(join(path, 'onnx/model.onnx'), join(path, 'model.onnx'));
    expect((await onnxFiles(path)).weights).toEqual([join(files.folder, 'model.onnx')]);
  });

  it('are those of the type that is named behind the folder', async () => {
    const path = written();
    writeFileSync(join(path, 'onnx/model_quantized.onnx'), 'another');
    const files = await onnxFiles(`${path}:q8`);
    expect(files.weights).toEqual([join(files.folder, 'onnx/model_quantized.onnx')]);
    await expect(onnxFiles(`${path}:q4`)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/model_q4\.onnx/),
    });
  });

  it.each([
    ['./absent', 'NOT_FOUND'],
    ['/absent/folder', 'NOT_FOUND'],
    ['absent', 'NOT_FOUND'],
    ['a/b/c', 'NOT_FOUND'],
  ])('of %s are not found, and no hub is asked', async (name, code) => {
    await expect(onnxFiles(name, { env: { HF_ENDPOINT: 'http://127.0.0.1:9' } })).rejects.toMatchObject({
      code,
    });
  });

  it('are in a folder, not one file', async () => {
    const path = join(written(), 'onnx/model.onnx');
    await expect(onnxFiles(path)).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('of the hub are downloaded as far as they are needed, once', async () => {
    const path = written();
    const hub = await FakeHub.start({
      ...repository(path),
      'README.md': 'a card',
      'pytorch_model.bin': Buffer.from('pickle'),
      'model.safetensors': Buffer.from('weights'),
      'onnx/model_quantized.onnx': Buffer.from('another'),
    });
    const cache = join(folder, 'hub-cache');
    const env = { HF_HUB_CACHE: cache, HF_HOME: cache, HF_ENDPOINT: hub.endpoint };
    const embedder = await openEmbedder('onnx:owner/model', { env, cacheFolder: folder });
    const [vector] = await embedder.embed(['a'], 'document');
    await embedder.close();
    const local = await openEmbedder(`onnx:${path}`, { env: {}, cacheFolder: folder });
    expect((await local.embed(['a'], 'document'))[0]).toEqual(vector);
    await local.close();
    expect(embedder.contentHash).toBe(local.contentHash);
    const names = readdirSync(cache, { recursive: true, encoding: 'utf8' });
    const found = names.filter((name) => name.includes('snapshots')).join('\n');
    expect(found).toMatch(/onnx.model\.onnx/);
    expect(found).not.toMatch(/README|pytorch|safetensors|quantized/);
    const offline = { ...env, HF_HUB_OFFLINE: '1' };
    await (await openEmbedder('onnx:owner/model', { env: offline, cacheFolder: folder })).close();
  });
});

describe('a name that is of no folder and of no repository', () => {
  it('is told of as both', async () => {
    const hub = await FakeHub.start({});
    const env = { HF_HUB_CACHE: join(folder, 'empty'), HF_ENDPOINT: hub.endpoint };
    await expect(openEmbedder('onnx:models/absent', { env, cacheFolder: folder })).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('There is no folder models/absent here') }),
    );
  });
});

describe('a folder without the files of sentence-transformers', () => {
  it('has the known settings of the model that its name says', async () => {
    const path = join(folder, 'bge-small-en-v1.5');
    writeTinyOnnx(path);
    const embedder = await openEmbedder(`onnx:${path}`, { cacheFolder: folder, env: {} });
    expect(embedder).toMatchObject({ isNormalized: true, maxTokens: 64 });
    await embedder.close();
  });

  it('is refused where nobody says how it is pooled', async () => {
    const path = join(folder, 'unheard-of');
    writeTinyOnnx(path, { weight: tinyWeight });
    await expect(openEmbedder(`onnx:${path}`, { cacheFolder: folder, env: {} })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/cls, mean, last/),
    });
  });

  it.each(['config.json', 'tokenizer.json', 'tokenizer_config.json'])(
    'is refused without its %s',
    async (name) => {
      const path = written();
      rmSync(join(path, name));
      await expect(openEmbedder(`onnx:${path}`, { cacheFolder: folder, env: {} })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
    },
  );
});

function repository(path: string): Record<string, string | Buffer> {
  mkdirSync(path, { recursive: true });
  const files = readdirSync(path, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      const content = readFileSync(file);
      const key = file.slice(path.length + 1).replaceAll('\\', '/');
      return [key, name.endsWith('.onnx') ? content : content.toString()];
    }),
  );
}
