/** Vectors from the command line, with a tiny model that the test makes. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sampleFolder } from './beir-collection.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { sentenceTransformersFiles, writeTinyOnnx } from './tiny-onnx-model.ts';

const folder = temporaryFolder();
const model = join(folder, 'model');
const embedder = `onnx:${model}`;
const dense = `dense:${embedder}`;
const cache = join(folder, 'cache');
const env = { QUERN_CACHE: cache };

const texts: Readonly<Record<string, string>> = {
  first: 'a b c d e f g h',
  second: 'i j k l',
  third: 'a the l',
};

async function corpusOf(name: string, documents: Readonly<Record<string, string>>): Promise<string> {
  const path = join(folder, `${name}.jsonl`);
  const lines = Object.entries(documents).map(([id, text]) => JSON.stringify({ id, title: '', text }));
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

interface IndexRecord {
  readonly documents: number;
  readonly dense?: { readonly vectors: number; readonly embedded: number; readonly reused: number };
}

function indexed(corpus: string, out: string, ...options: string[]): Promise<IndexRecord> {
  return quernJson(['index', corpus, '--out', out, '--analyzer', 'whitespace', ...options], { env });
}

async function found(index: string, question: string, ...options: string[]): Promise<string[]> {
  const args = ['search', index, question, '--retriever', dense, ...options];
  const { hits } = await quernJson<{ hits: { id: string }[] }>(args, { env });
  return hits.map(({ id }) => id);
}

async function failed(args: readonly string[]): Promise<string> {
  const { code, stderr, stdout } = await quern(args, { env });
  expect(code).toBeGreaterThan(0);
  expect(stdout).toBe('');
  expect(stderr).not.toContain('    at ');
  return stderr;
}

beforeAll(() => writeTinyOnnx(model, { dimensions: 16, files: sentenceTransformersFiles('mean_tokens') }));

describe('quern reward ablate --retriever', () => {
  it('holds rewards against the rankings of vectors', async () => {
    const index = join(folder, 'sample');
    await quernJson(['index', sampleFolder, '--out', index, '--store', '--dense', embedder], { env });
    const file = join(sampleFolder, 'completions.jsonl');
    const named = ['--collection', `beir:${sampleFolder}`, '--index', index, '--retriever', dense];
    const outcome = await quernJson(['reward', 'ablate', file, ...named, '--reward', 'retrieval:rank'], {
      env,
    });
    expect(outcome).toMatchObject({ retriever: dense, completions: 90, groups: 30, measure: 'ndcg@10' });
  }, 60_000);
});

describe('quern index --dense', () => {
  it('makes vectors beside the index, that search, hybrids and explanations use', async () => {
    const out = join(folder, 'whole');
    const corpus = await corpusOf('whole', texts);
    const passages = ['--passages', 'words=4,stride=2'];
    const { dense: made } = await indexed(corpus, out, '--store', '--dense', embedder, ...passages);
    expect(made).toMatchObject({ vectors: 5, embedded: 5, reused: 0 });
    expect((await readdir(out)).filter((name) => name.startsWith('dense-'))).toHaveLength(1);
    expect((await found(out, 'i j k l'))[0]).toBe('second');
    expect((await found(out, 'c d e f'))[0]).toBe('first');
    const hybrid = `hybrid:interpolate:0.5*bm25+0.5*${dense}`;
    const { code, stdout } = await quern(['search', out, 'a the l', '--retriever', hybrid, '--explain'], {
      env,
    });
    expect(code).toBe(0);
    expect(stdout).toContain(`retriever  ${hybrid}`);
    expect(stdout).toMatch(
      /1 {5}1\.0000 {2}third\n {6}a the l\n {6}rank 1 in search 1 brings 0\.5000 \+ rank 1 in search 2 brings 0\.5000/,
    );
  });
  it('adds to the vectors of an index, and refuses to leave what is added without', async () => {
    const out = join(folder, 'added');
    await indexed(await corpusOf('some', texts), out, '--dense', embedder);
    const more = await corpusOf('more', { third: 'g h', fourth: 'the the' });
    expect(await failed(['index', more, '--append', '--out', out])).toMatch(/Give --dense onnx:/);
    const otherwise = ['index', more, '--append', '--out', out, '--dense', embedder, '--passages', 'words=3'];
    expect(await failed(otherwise)).toMatch(/Leave --passages out/);
    const { documents, dense: made } = await indexed(more, out, '--append', '--dense', embedder);
    expect([documents, made?.vectors, made?.embedded]).toEqual([4, 6, 2]);
    expect((await found(out, 'the the'))[0]).toBe('fourth');
    expect((await found(out, 'g h'))[0]).toBe('third');
    expect((await found(out, 'i j k l'))[0]).toBe('second');
    await quern(['index', 'delete', out, 'second'], { env });
    expect(await found(out, 'i j k l')).not.toContain('second');
  });
  it('takes vectors away with the index that they were of', async () => {
    const out = join(folder, 'rebuilt');
    const corpus = await corpusOf('rebuilt', texts);
    await indexed(corpus, out, '--dense', embedder);
    await indexed(corpus, out);
    expect((await readdir(out)).filter((name) => name.startsWith('dense-'))).toEqual([]);
    expect(await failed(['search', out, 'a', '--retriever', dense])).toMatch(/no vectors of.*--dense/);
  });
  it('refuses an embedder that has changed since', async () => {
    const out = join(folder, 'changed');
    const other = join(folder, 'other');
    const files = sentenceTransformersFiles('mean_tokens');
    writeTinyOnnx(other, { dimensions: 16, files });
    await indexed(await corpusOf('changed', texts), out, '--dense', `onnx:${other}`);
    await rm(other, { recursive: true });
    writeTinyOnnx(other, { dimensions: 16, files, weight: (token, i) => Math.cos(token + i) });
    expect(await failed(['search', out, 'a', '--retriever', `dense:onnx:${other}`])).toMatch(
      /have changed since these vectors were made/,
    );
  });
  it('tells of a damaged file by its name', async () => {
    const out = join(folder, 'damaged');
    await indexed(await corpusOf('damaged', texts), out, '--dense', embedder);
    const vectors = (await readdir(out)).find((name) => name.startsWith('dense-'))!;
    const name = (await readdir(join(out, vectors))).find((each) => each.startsWith('vectors-'))!;
    const path = join(out, vectors, name);
    const bytes = await readFile(path);
    bytes[5]! ^= 1;
    await writeFile(path, bytes);
    expect(await failed(['search', out, 'a', '--retriever', dense])).toContain(name);
  });
  it.each([
    [['--dense', 'nothing'], /unknown embedder/],
    [['--dense', 'onnx:'], /unknown/],
    [['--dense', 'onnx:/nowhere/at/all'], /nowhere/],
    [['--dense', 'MODEL', '--passages', 'words=0'], /unknown passages/],
    [['--dense', 'MODEL', '--precision', 'f8'], /Allowed choices/],
  ])('refuses %j before it indexes', async (options, message) => {
    const out = join(folder, 'refused');
    const corpus = await corpusOf('refused', texts);
    const given = options.map((each) => (each === 'MODEL' ? embedder : each));
    expect(await failed(['index', corpus, '--out', out, ...given])).toMatch(message);
    await expect(readdir(out)).rejects.toThrow('ENOENT');
  });
});

describe('quern eval --retriever', () => {
  it('makes the vectors that are missing, once, and measures each retriever', async () => {
    const collection = join(folder, 'collection');
    await mkdir(join(collection, 'qrels'), { recursive: true });
    const lines = Object.entries(texts).map(([id, text]) => JSON.stringify({ _id: id, title: '', text }));
    await writeFile(join(collection, 'corpus.jsonl'), `${lines.join('\n')}\n`);
    await writeFile(join(collection, 'queries.jsonl'), '{"_id":"q","text":"i j k l"}\n');
    await writeFile(join(collection, 'qrels/test.tsv'), 'query-id\tcorpus-id\tscore\nq\tsecond\t1\n');
    const index = join(folder, 'collection-index');
    const evaluated = (retriever: string): Promise<Record<string, unknown>> =>
      quernJson(
        [
          'eval',
          `beir:${collection}`,
          '--index',
          index,
          '--analyzer',
          'whitespace',
          '--retriever',
          retriever,
        ],
        { env },
      );
    const record = await evaluated(dense);
    expect(record).toMatchObject({ retriever: dense, scoring: 'bm25', measures: { 'ndcg@10': 1 } });
    const made = (await readdir(index)).find((name) => name.startsWith('dense-'))!;
    const before = await readFile(join(index, made, 'dense.json'), 'utf8');
    expect(await evaluated(`hybrid:bm25q+${dense}`)).toMatchObject({
      scoring: 'bm25q',
      measures: { 'ndcg@10': 1 },
    });
    expect(await readFile(join(index, made, 'dense.json'), 'utf8')).toBe(before);
  });
  it('refuses a scoring that contradicts the retriever', async () => {
    const stderr = await failed(['eval', 'beir:nowhere', '--retriever', 'bm25', '--scoring', 'bm25q']);
    expect(stderr).toMatch(/--scoring.*does not weigh terms by bm25q/);
  });
});
