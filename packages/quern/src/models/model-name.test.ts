import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { parseCheckpointName, parseModelName } from './model-name.ts';

const folder = temporaryFolder();
const file = join(folder, 'model.gguf');
const checkpoint = join(folder, 'checkpoint');
writeFileSync(file, 'x');
mkdirSync(checkpoint);

it.each([
  [file, { kind: 'file', at: file }],
  [`${file}:q4_0`, { kind: 'file', at: file, type: 'q4_0' }],
  [checkpoint, { kind: 'folder', at: checkpoint }],
  [`${checkpoint}:F16`, { kind: 'folder', at: checkpoint, type: 'f16' }],
  ['TongSearch/TongSearch-QR-1.5B', { kind: 'hub', at: 'TongSearch/TongSearch-QR-1.5B' }],
  ['owner/name@refs/pr/1:q8_0', { kind: 'hub', at: 'owner/name@refs/pr/1', type: 'q8_0' }],
])('%s names a model', async (name, model) => {
  expect(await parseModelName(name)).toEqual(model);
});

it.each([
  ['./owner/name', 'NOT_FOUND'],
  [join(folder, 'absent'), 'NOT_FOUND'],
  ['absent.gguf', 'NOT_FOUND'],
  ['../../no-such-model-folder', 'NOT_FOUND'],
  ['name', 'NOT_FOUND'],
  ['a/b@../c', 'USAGE'],
  ['owner/name:q5', 'UNSUPPORTED'],
  [`${checkpoint}:Q5_K_M`, 'UNSUPPORTED'],
])('%s names none', async (name, code) => {
  await expect(parseModelName(name)).rejects.toMatchObject({ code });
});

it.each([
  ['tiny:bf16', /name it tiny$/],
  ['owner/name:q8_0', /name it owner\/name$/],
  ['absent.gguf', /Give the folder of a checkpoint, or owner\/name/],
])('%s names no checkpoint', async (name, message) => {
  await expect(parseCheckpointName(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(parseCheckpointName(name)).rejects.toThrow(message);
});

it.skipIf(process.platform === 'win32')('a pipe is no model, and is not waited for', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await expect(parseModelName(pipe)).rejects.toMatchObject({ code: 'BAD_INPUT', where: pipe });
});
