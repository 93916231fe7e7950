/** What goes wrong when the command line embeds a corpus: the index in the folder stays what it was. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { sentenceTransformersFiles, writeTinyOnnx } from './tiny-onnx-model.ts';

const cwd = temporaryFolder();
const env = { QUERN_CACHE: join(cwd, 'cache') };
const index = join(cwd, 'made.index');
const dense = ['--dense', 'onnx:./model'];

function writeModel(weight?: (token: number) => number): void {
  writeTinyOnnx(join(cwd, 'model'), {
    files: sentenceTransformersFiles('mean_tokens'),
    ...(weight && { weight }),
  });
}

function content(): string[] {
  return readdirSync(index, { recursive: true, encoding: 'utf8' }).sort();
}

beforeEach(async () => {
  writeModel();
  writeFileSync(join(cwd, 'first.jsonl'), '{"_id": "1", "text": "a b c"}\n{"_id": "2", "text": "d e"}\n');
  writeFileSync(join(cwd, 'more.jsonl'), '{"_id": "3", "text": "f g h"}\n');
  await quernJson(['index', 'first.jsonl', '--out', index, ...dense], { cwd, env });
}, 60_000);

it('an embedder that does not work leaves the index that is to be replaced, with its vectors', async () => {
  const before = content();
  writeTinyOnnx(join(cwd, 'broken'), { files: sentenceTransformersFiles('mean_tokens') });
  writeFileSync(join(cwd, 'broken/onnx/model.onnx'), 'not a model');
  const args = ['index', 'more.jsonl', '--out', index, '--dense', 'onnx:./broken'];
  const { code, stderr } = await quern(args, { cwd, env });
  expect(stderr).toMatch(/^quern: .*broken: ONNX Runtime cannot load it .*\n$/);
  expect(code).toBe(1);
  expect(content()).toEqual(before);
});

it('an index that is replaced without vectors is told of with those that go', async () => {
  const { code, stderr } = await quern(['index', 'more.jsonl', '--out', index], { cwd, env });
  expect(code).toBe(0);
  expect(stderr).toMatch(/of 2 documents, is replaced\n.*its vectors of onnx:\S+ are gone with it\n/);
  const again = await quern(['index', 'more.jsonl', '--out', index, ...dense], { cwd, env });
  expect(again.stderr).not.toContain('gone');
});

it('of a model that cannot run on what its tokenizer gives, one line is said, and nothing by its runtime', async () => {
  const folder = join(cwd, 'mixed');
  writeTinyOnnx(folder, { files: sentenceTransformersFiles('mean_tokens') });
  const path = join(folder, 'tokenizer.json');
  const tokenizer = JSON.parse(readFileSync(path, 'utf8')) as { model: { vocab: Record<string, number> } };
  tokenizer.model.vocab['quern'] = 1000;
  writeFileSync(path, JSON.stringify(tokenizer));
  const args = ['index', 'more.jsonl', '--out', index, '--dense', 'onnx:./mixed'];
  const { code, stdout, stderr } = await quern(args, { cwd, env });
  expect(stderr).toMatch(/^quern: .*mixed: ONNX Runtime cannot run it .*\n$/);
  expect([code, stdout]).toEqual([1, '']);
});

it('documents of other passages than those that have vectors are not added', async () => {
  const before = content();
  const args = ['index', 'more.jsonl', '--append', '--out', index, ...dense, '--passages', 'words=2'];
  const { code, stderr } = await quern(args, { cwd, env });
  expect(stderr).toMatch(
    /these vectors are of passages with words=\d+,stride=\d+,aggregate=max, not words=2/,
  );
  expect(code).toBe(2);
  expect(content()).toEqual(before);
});

it('documents are not added to the vectors of an embedder that has changed since', async () => {
  const before = content();
  writeModel((token) => token + 1);
  const args = ['index', 'more.jsonl', '--append', '--out', index, ...dense];
  const { code, stderr } = await quern(args, { cwd, env });
  expect(stderr).toMatch(
    /onnx:.*model, its options or Quern's way of embedding have changed since these vectors were made/,
  );
  expect(code).toBe(1);
  expect(content()).toEqual(before);
});
