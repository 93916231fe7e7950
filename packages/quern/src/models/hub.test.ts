import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeHub, noise, sha256 } from '../../test/fake-hub.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { resolveModel, type ResolveModelOptions } from './hub.ts';

const folder = temporaryFolder();
const weights = noise(700_000);
const hub = await FakeHub.start({
  '.gitattributes': '*.safetensors filter=lfs\n',
  'README.md': '# A model\n',
  'config.json': '{"architectures": ["Qwen2ForCausalLM"]}',
  'tokenizer.json': Buffer.from('{"model": {"type": "BPE"}}'),
  'model.safetensors': weights,
  'pytorch_model.bin': noise(1000, 'pickle'),
  'onnx/model.onnx': noise(2000, 'onnx'),
});
const needed = ['config.json', 'tokenizer.json', 'model.safetensors'];

beforeEach(() => hub.reset());

async function newCache(): Promise<string> {
  return mkdtemp(join(folder, 'cache-'));
}

function resolve(
  cache: string,
  options: ResolveModelOptions = {},
  id = 'owner/model',
): ReturnType<typeof resolveModel> {
  return resolveModel(id, {
    timing: { pause: 1, stall: 500 },
    ...options,
    env: { HF_HUB_CACHE: cache, HF_ENDPOINT: hub.endpoint, HF_HOME: join(cache, 'none'), ...options.env },
  });
}

describe('a model', () => {
  it('is what the repository holds of it', async () => {
    const cache = await newCache();
    const { folder: snapshot, commit, files } = await resolve(cache);
    expect(commit).toBe(hub.commit);
    expect(files.map(({ name }) => name).toSorted()).toEqual(needed.toSorted());
    for (const { name } of files) {
      expect(sha256(readFileSync(join(snapshot, name)))).toBe(sha256(hub.file(name).content));
    }
    expect(hub.bytesServed).toBe(hub.size(...needed));
  });
});
