import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import * as fake from '../../test/fake-hub.ts';
import { FakeHub, noise, sha256 } from '../../test/fake-hub.ts';
import { TestCache } from '../../test/hub-cache.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { Warnings } from '../warnings.ts';
import type { OnWork } from '../work.ts';

const folder = temporaryFolder();
const weights = noise(700_000);
const files = {
  '.gitattributes': '*.safetensors filter=lfs\n',
  'README.md': '# A model\n',
  'config.json': '{"architectures": ["Qwen2ForCausalLM"]}',
  'merges.txt': '',
  'model-q4.gguf': noise(3000, 'q4'),
  'model-q8.gguf': noise(4000, 'q8'),
  'model.safetensors': weights,
  'onnx/model.onnx': noise(2000, 'onnx'),
  'pytorch_model.bin': noise(1000, 'pickle'),
  'tokenizer.json': Buffer.from('{"model": {"type": "BPE"}}'),
};
const needed = ['config.json', 'merges.txt', 'model.safetensors', 'tokenizer.json'];
const hub = await FakeHub.start(files);
const first = { commit: hub.commit, files: hub.files };

beforeEach(() => {
  hub.reset();
  Object.assign(hub, first);
});

/** The hub's branch moves on. */
function commit(changes: Record<string, string>): void {
  hub.files = hub.files.map((file) =>
    file.name in changes ? { ...file, content: Buffer.from(changes[file.name]) } : file,
  );
  hub.commit = sha256(Buffer.from(JSON.stringify(changes))).slice(0, 40);
}

const offline = { env: { HF_HUB_OFFLINE: '1' } };

/** Where nobody listens. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return `http://127.0.0.1:${port}`;
}

/** Notes what is told. */
function listener(): { onWork: OnWork; told: (string | number)[] } {
  const told: (string | number)[] = [];
  const onWork: OnWork = (what, total) => {
    told.push(what, total);
    return { update: (done) => void told.push(done), stop: () => void told.push('stopped') };
  };
  return { onWork, told };
}

describe('a model', () => {
  it('is the files that are needed, of the commit that the branch is', async () => {
    const cache = new TestCache(folder, hub);
    const model = await cache.resolve();
    expect(model).toEqual({
      folder: cache.repository('snapshots', hub.commit),
      commit: hub.commit,
      files: [
        { name: 'config.json', size: 39 },
        { name: 'merges.txt', size: 0 },
        { name: 'model.safetensors', size: 700_000, sha256: sha256(weights) },
        { name: 'tokenizer.json', size: 26, sha256: sha256(hub.file('tokenizer.json').content) },
      ],
    });
    for (const name of needed) {
      expect(sha256(readFileSync(join(model.folder, name)))).toBe(sha256(hub.file(name).content));
    }
    expect(readdirSync(model.folder).toSorted()).toEqual(needed);
    expect(readFileSync(cache.repository('refs', 'main'), 'utf8')).toBe(hub.commit);
    expect(readdirSync(join(cache.path, '.locks', 'models--owner--model'))).toEqual([]);
    expect(hub.bytesServed).toBe(hub.size(...needed));
    // All is asked for by the commit, and nothing is asked for an empty file.
    expect(hub.filesAsked).toEqual(
      ['config.json', 'model.safetensors', 'tokenizer.json'].map(
        (name) => `/owner/model/resolve/${hub.commit}/${name}`,
      ),
    );
  });

  it('may be a file that is chosen by its name among all', async () => {
    const cache = new TestCache(folder, hub);
    const model = await cache.resolve({
      files: (name, names) => name === names.find((one) => /q8.*\.gguf$/.test(one)),
    });
    expect(model.files).toEqual([{ name: 'model-q8.gguf', size: 4000, sha256: expect.any(String) }]);
    expect(hub.bytesServed).toBe(4000);
    const nested = await cache.resolve({ files: (name) => name === 'onnx/model.onnx' });
    expect(readFileSync(join(nested.folder, 'onnx', 'model.onnx'))).toEqual(
      hub.file('onnx/model.onnx').content,
    );
    await expect(cache.resolve({ files: () => false })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('none of its 10 files'),
    });
  });

  it('is not fetched again: one request for a branch, none for a commit', async () => {
    const cache = new TestCache(folder, hub);
    const model = await cache.resolve();
    const before = cache.tree();
    hub.reset();
    expect(await cache.resolve()).toEqual(model);
    expect(hub.requests.map(({ path }) => path)).toEqual([
      '/api/models/owner/model/revision/main?blobs=true',
    ]);
    hub.reset();
    expect(await cache.resolve({}, `owner/model@${hub.commit}`)).toEqual(model);
    expect(hub.requests).toEqual([]);
    expect(cache.tree()).toEqual(before);
  });

  it('of another commit shares what did not change', async () => {
    const cache = new TestCache(folder, hub);
    const old = await cache.resolve();
    hub.reset();
    commit({ 'config.json': '{"changed": true}' });
    const model = await cache.resolve();
    expect(hub.bytesServed).toBe(hub.size('config.json'));
    expect(model.commit).not.toBe(old.commit);
    expect(readFileSync(join(model.folder, 'config.json'), 'utf8')).toBe('{"changed": true}');
    expect(statSync(join(model.folder, 'model.safetensors')).ino).toBe(
      statSync(join(old.folder, 'model.safetensors')).ino,
    );
    expect(readFileSync(cache.repository('refs', 'main'), 'utf8')).toBe(model.commit);
    expect(readFileSync(join(old.folder, 'config.json'), 'utf8')).toBe(files['config.json']);
  });

  it('is completed where a file of it was removed or cut', async () => {
    const cache = new TestCache(folder, hub);
    const model = await cache.resolve();
    rmSync(cache.blob('tokenizer.json'));
    truncateSync(cache.blob('model.safetensors'), 5);
    hub.reset();
    expect(await cache.resolve({}, `owner/model@${model.commit}`)).toEqual(model);
    expect(hub.bytesServed).toBe(hub.size('tokenizer.json', 'model.safetensors'));
    expect(sha256(readFileSync(join(model.folder, 'model.safetensors')))).toBe(sha256(weights));
    // The list of files was noted.
    expect(hub.requests.some(({ path }) => path.startsWith('/api/'))).toBe(false);
  });

  it('of a tag and of a pull request are noted under these names', async () => {
    const cache = new TestCache(folder, hub);
    await cache.resolve({}, 'owner/model@v1.0');
    await cache.resolve({}, 'owner/model@refs/pr/1');
    expect(readFileSync(cache.repository('refs', 'v1.0'), 'utf8')).toBe(hub.commit);
    expect(readFileSync(cache.repository('refs', 'refs', 'pr', '1'), 'utf8')).toBe(hub.commit);
    expect(hub.requests.map(({ path }) => path)).toContain(
      '/api/models/owner/model/revision/refs%2Fpr%2F1?blobs=true',
    );
    expect(existsSync(cache.repository('refs', 'main'))).toBe(false);
  });

  it('may come from a mirror, whose address has a path', async () => {
    const cache = new TestCache(folder, hub);
    const model = await cache.resolve({ env: { HF_ENDPOINT: `${hub.endpoint}/mirror/` } });
    expect(sha256(readFileSync(join(model.folder, 'model.safetensors')))).toBe(sha256(weights));
    const asked = hub.requests.filter(({ server }) => server === 'hub').map(({ path }) => path);
    expect(asked[0]).toBe('/mirror/api/models/owner/model/revision/main?blobs=true');
    expect(asked[1]).toBe(`/mirror/owner/model/resolve/${hub.commit}/config.json`);
  });

  it('is fetched once by two who want it at the same time', async () => {
    const cache = new TestCache(folder, hub);
    hub.slowness = 5;
    const [one, two] = await Promise.all([cache.resolve(), cache.resolve()]);
    expect(one).toEqual(two);
    expect(hub.bytesServed).toBe(hub.size(...needed));
  });

  it('whose content is twice in it is fetched once', async () => {
    hub.files = [...hub.files, { ...hub.file('model.safetensors'), name: 'adapter_model.safetensors' }];
    const cache = new TestCache(folder, hub);
    const model = await cache.resolve();
    expect(hub.bytesServed).toBe(hub.size(...needed));
    expect(sha256(readFileSync(join(model.folder, 'adapter_model.safetensors')))).toBe(sha256(weights));
  });
});

describe('a cache that cannot be written to', () => {
  it('will do where all is there, with a warning', async () => {
    const cache = new TestCache(folder, hub);
    const model = await cache.resolve();
    rmSync(cache.repository('.quern'), { recursive: true });
    writeFileSync(cache.repository('.quern'), 'no folder');
    const warnings = new Warnings();
    expect(await cache.resolve({ warnings })).toEqual(model);
    expect(warnings.list().map(({ message }) => message)).toEqual(['the cache cannot be written to']);
    rmSync(cache.blob('tokenizer.json'));
    await expect(cache.resolve()).rejects.toMatchObject({ code: 'IO' });
  });
});

describe('while a model is fetched', () => {
  it('the bytes of all needed files are told, those of an earlier run as done', async () => {
    const cache = new TestCache(folder, hub);
    mkdirSync(cache.repository('blobs'), { recursive: true });
    writeFileSync(cache.blob('model.safetensors', '.incomplete'), weights.subarray(0, 500_000));
    const { onWork, told } = listener();
    await cache.resolve({ onWork });
    const [what, total, ...rest] = told;
    const done = rest.slice(0, -1) as number[];
    expect([what, total, rest.at(-1)]).toEqual(['downloading owner/model', hub.size(...needed), 'stopped']);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done).toContain(39 + 500_000);
    expect(done.at(-1)).toBe(total);

    const again = listener();
    await cache.resolve({ onWork: again.onWork });
    expect(again.told).toEqual([]);
    rmSync(cache.blob('tokenizer.json'));
    await cache.resolve({ onWork: again.onWork });
    expect(again.told.slice(0, 3)).toEqual(['downloading owner/model', total, (total as number) - 26]);
  });

  it('a stop is obeyed at once, and what came in is kept for the next run', async () => {
    const cache = new TestCache(folder, hub);
    const controller = new AbortController();
    hub.next('cdn', fake.stallAfter(400_000));
    const onWork: OnWork = () => ({
      update: (done) => void (done >= 39 + 400_000 && controller.abort()),
      stop: () => undefined,
    });
    const timing = { pause: 1, stall: 1e6 };
    await expect(cache.resolve({ signal: controller.signal, onWork, timing })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(statSync(cache.blob('model.safetensors', '.incomplete')).size).toBe(400_000);
    expect(existsSync(cache.repository('refs'))).toBe(false);
    expect(readdirSync(join(cache.path, '.locks', 'models--owner--model'))).toEqual([]);
    hub.reset();
    await cache.resolve();
    expect(hub.bytesServed).toBe(hub.size(...needed) - 39 - 400_000);
  });

  it('a stop is obeyed while the hub is silent, between attempts, and before', async () => {
    for (const fault of [fake.stallAfter(0), fake.answers(503)]) {
      const controller = new AbortController();
      hub.next('listing', (reply) => (setTimeout(() => controller.abort(), 30), fault(reply)));
      const timing = { pause: 1e6, stall: 1e6 };
      const stopped = new TestCache(folder, hub).resolve({ signal: controller.signal, timing });
      await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    }
    hub.reset();
    const before = new TestCache(folder, hub).resolve({ signal: AbortSignal.abort() });
    await expect(before).rejects.toMatchObject({ code: 'ABORTED' });
    expect(hub.requests).toEqual([]);
  });
});

function absent(what: string): object {
  const hint = expect.stringContaining('HF_HUB_OFFLINE is set') as string;
  return { code: 'NOT_FOUND', message: expect.stringContaining(what) as string, hint };
}

describe('without the hub', () => {
  it('a model is what the cache holds', async () => {
    const cache = new TestCache(folder, hub);
    const model = await cache.resolve();
    hub.reset();
    expect(await cache.resolve(offline)).toEqual(model);
    expect(await cache.resolve(offline, `owner/model@${model.commit}`)).toEqual(model);
    expect(hub.requests).toEqual([]);
  });

  it('a model that is not in the cache, or not whole, is not found, and it is said why', async () => {
    const cache = new TestCache(folder, hub);
    await expect(cache.resolve(offline)).rejects.toMatchObject(absent(`not in the cache ${cache.path}`));
    await cache.resolve();
    await expect(cache.resolve(offline, 'owner/model@v2')).rejects.toMatchObject(absent('not in the cache'));
    await expect(
      cache.resolve({ ...offline, files: (name) => name.endsWith('.gguf') }),
    ).rejects.toMatchObject(absent('lacks 2 of its 2 files, such as model-q4.gguf'));
    rmSync(cache.blob('model.safetensors'));
    await expect(cache.resolve(offline)).rejects.toMatchObject(
      absent('lacks 1 of its 4 files, such as model.safetensors'),
    );
    expect(hub.requests.filter(({ path }) => path.startsWith('/api/'))).toHaveLength(1);
  });

  it('a model that cannot be asked for is taken from the cache, with a warning', async () => {
    const cache = new TestCache(folder, hub);
    const model = await cache.resolve();
    commit({ 'config.json': '{"changed": true}' });
    const away = { HF_ENDPOINT: await closedPort() };
    const faults: [Record<string, string>, () => void][] = [
      [away, () => undefined],
      [{}, () => hub.next('listing', fake.answers(503), 100)],
      [{}, () => hub.next('listing', fake.breakAfter(10), 100)],
      [{}, () => hub.next('listing', fake.stallAfter(0), 100)],
    ];
    for (const [env, arrange] of faults) {
      hub.reset();
      arrange();
      const warnings = new Warnings();
      expect(await cache.resolve({ env, warnings, timing: { stall: 100 } })).toEqual(model);
      expect(warnings.list()).toEqual([
        {
          message: expect.stringContaining('the hub cannot be asked, so the cache is used'),
          count: 1,
          first: `owner/model@main, commit ${model.commit}`,
        },
      ]);
      // Nobody waits for a hub that is not needed.
      expect(hub.requests.length).toBeLessThanOrEqual(1);
    }
  });

  it('a model that is in no cache cannot be had', async () => {
    const cache = new TestCache(folder, hub);
    const away = { HF_ENDPOINT: await closedPort() };
    await expect(cache.resolve({ env: away })).rejects.toMatchObject({
      code: 'NETWORK',
      where: 'owner/model@main',
      message: expect.stringContaining('cannot be reached (ECONNREFUSED)'),
    });
    await expect(cache.resolve({ env: { HF_ENDPOINT: 'http://hub.invalid' } })).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('hub.invalid cannot be reached'),
    });
    expect(existsSync(cache.repository())).toBe(false);
  });
});

describe('what the hub says', () => {
  it.each([
    [401, '', 'DENIED', 'may be gated or private'],
    [403, '', 'DENIED', 'may be gated or private'],
    [401, 'GatedRepo', 'DENIED', 'the model is gated'],
    [403, 'GatedRepo', 'DENIED', 'the model is gated'],
    [401, 'RepoNotFound', 'NOT_FOUND', 'no such repository'],
    [404, 'RepoNotFound', 'NOT_FOUND', 'no such repository'],
    [404, 'RevisionNotFound', 'NOT_FOUND', 'no revision main'],
    [404, 'EntryNotFound', 'NOT_FOUND', 'no such file'],
    [404, '', 'NOT_FOUND', 'no such repository, or no revision main'],
    [418, '', 'BAD_REPLY', 'answers 418'],
    [204, '', 'BAD_REPLY', 'answers 204'],
  ])('with the status %i and the word %j is %s', async (status, word, code, what) => {
    hub.next('listing', fake.answers(status, word === '' ? {} : { 'x-error-code': word }));
    const cache = new TestCache(folder, hub);
    await expect(cache.resolve()).rejects.toMatchObject({
      code,
      where: 'owner/model@main',
      message: expect.stringContaining(what),
      hint: expect.stringMatching(code === 'DENIED' ? /HF_TOKEN/ : /./),
    });
    expect(hub.requests).toHaveLength(1);
    expect(existsSync(cache.repository())).toBe(false);
  });

  it.each([
    [403, 'GatedRepo', 'DENIED', 'the model is gated'],
    [404, 'EntryNotFound', 'NOT_FOUND', 'no such file'],
    [404, '', 'NOT_FOUND', 'no such file, revision or repository'],
  ])('of a file with the status %i and the word %j is %s', async (status, word, code, what) => {
    hub.next('file', fake.answers(status, { 'x-error-code': word }));
    await expect(new TestCache(folder, hub).resolve()).rejects.toMatchObject({
      code,
      where: `owner/model@${hub.commit}/config.json`,
      message: expect.stringContaining(what),
    });
  });

  it('through the host of its contents is not about the token', async () => {
    hub.next('cdn', fake.answers(403, { 'x-error-code': 'GatedRepo' }));
    await expect(new TestCache(folder, hub).resolve()).rejects.toMatchObject({
      code: 'DENIED',
      message: expect.not.stringContaining('HF_TOKEN'),
    });
  });

  it.each([
    ['nothing', ''],
    ['half of a list', JSON.stringify(hub.listing()).slice(0, -9)],
    ['a page', '<html><title>Log in</title>'],
    ['another document', '{"error": "x"}'],
    [
      'a list without sizes',
      '{"sha": "0123456789012345678901234567890123456789", "siblings": [{"rfilename": "config.json"}]}',
    ],
  ])('instead of a list of files is refused where it is %s', async (_, text) => {
    hub.next('listing', fake.sends(text));
    const cache = new TestCache(folder, hub);
    await expect(cache.resolve()).rejects.toMatchObject({ code: 'BAD_REPLY', where: 'owner/model@main' });
    expect(existsSync(cache.repository())).toBe(false);
  });

  it('of a commit must be that commit', async () => {
    const other = 'f'.repeat(40);
    await expect(new TestCache(folder, hub).resolve({}, `owner/model@${other}`)).rejects.toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringContaining(`answers with the commit ${hub.commit}`),
    });
  });

  it('with a name that leads elsewhere is refused, and nothing written', async () => {
    for (const name of [
      '../../../evil.safetensors',
      '/tmp/evil.safetensors',
      'a\\..\\evil.safetensors',
      'a/../evil',
    ]) {
      hub.files = [...first.files, { ...hub.file('model.safetensors'), name }];
      const cache = new TestCache(folder, hub);
      await expect(cache.resolve({ files: () => true })).rejects.toMatchObject({
        code: 'BAD_REPLY',
        message: expect.stringContaining('evil'),
      });
      expect(readdirSync(cache.path)).toEqual([]);
    }
  });

  it('with more bytes than are free is refused before anything is fetched', async () => {
    const listing = hub.listing() as {
      siblings: { rfilename: string; size: number; lfs?: { size: number } }[];
    };
    for (const { rfilename, lfs } of listing.siblings) {
      if (rfilename === 'model.safetensors') lfs!.size = 2 ** 50;
    }
    hub.next('listing', fake.sends(JSON.stringify(listing)));
    await expect(new TestCache(folder, hub).resolve()).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/1\.1 PB are needed, and .* are free/),
    });
    expect(hub.filesAsked).toEqual([]);
  });
});
