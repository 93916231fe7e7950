import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { array, assert, property, string, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { evaluateCollection } from './evaluation.ts';
import { EvaluationFolder, folderName } from './evaluation-folder.ts';
import { evaluationRecord } from './evaluation-record.ts';
import { parseMeasures } from './measures.ts';
import type { EvaluationToSave } from './write-evaluation.ts';

const root = temporaryFolder();
const files = ['evaluation.json', 'qrels.txt', 'run.trec', 'topics.jsonl'];

/** An evaluation of one topic whose id is given. */
async function evaluated(topic = 't1'): Promise<EvaluationToSave> {
  const qrels = new Map([[topic, new Map([['d1', 1]])]]);
  const collection = { name: 'beir:one', topics: [{ id: topic, text: 'why?', excluded: ['d9'] }], qrels };
  const retriever = { id: 'bm25', search: async () => [{ id: 'd1', score: 1, rank: 1 }] };
  const reasoner = {
    id: 'none',
    reason: async (query: string) => ({
      query,
      text: '',
      reasoner: 'none',
      finish: 'skipped' as const,
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: 0,
      cached: false,
    }),
    close: async () => undefined,
  };
  const evaluation = await evaluateCollection(
    collection,
    { combine: { kind: 'replace' }, reasoner, retriever },
    { name: 'bm25', k: 10, measures: parseMeasures(['ndcg@10']) },
  );
  const outcome = {
    collection: {
      ...collection,
      defaultScoring: 'bm25' as const,
      corpus: () => Promise.reject(new Error('it has no corpus')),
    },
    retriever,
    scoring: 'bm25' as const,
    k: 10,
    indexMilliseconds: 0,
  };
  const record = evaluationRecord(outcome, evaluation, 'none', 'replace');
  return { evaluation, record, qrels, analyzer: 'english', parameters: { k1: 0.9, b: 0.4 }, plan: [] };
}

async function save(path: string, replace = false): Promise<void> {
  const folder = await EvaluationFolder.create(path, { replace });
  try {
    await folder.add(await evaluated());
    await folder.finish({});
  } finally {
    await folder.discard();
  }
}

describe('a folder of saved evaluations', () => {
  it('has its name when it is whole, and not before', async () => {
    const path = join(root, 'whole');
    mkdirSync(join(root, 'beside'));
    const folder = await EvaluationFolder.create(join(root, 'beside', 'whole'));
    await folder.add(await evaluated());
    expect(readdirSync(join(root, 'beside'))).toEqual([expect.stringMatching(/^whole\.partial-/)]);
    await folder.finish({});
    await folder.discard();
    expect(readdirSync(join(root, 'beside'))).toEqual(['whole']);
    await save(path);
    expect(readdirSync(path).sort()).toEqual(files);
  });

  it('leaves nothing where it is given up', async () => {
    mkdirSync(join(root, 'given-up'));
    const folder = await EvaluationFolder.create(join(root, 'given-up', 'one'));
    await expect(folder.add(await evaluated('a topic'))).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await folder.discard();
    expect(readdirSync(join(root, 'given-up'))).toEqual([]);
  });

  it('takes an empty folder, and follows a link to its place', async () => {
    const real = join(root, 'real');
    mkdirSync(real);
    symlinkSync(real, join(root, 'link'));
    await save(join(root, 'link'));
    expect(readdirSync(real).sort()).toEqual(files);
  });

  it('replaces a saved evaluation where it is told to, and only then', async () => {
    const path = join(root, 'twice');
    await save(path);
    const before = readFileSync(join(path, 'evaluation.json'), 'utf8');
    await expect(save(path)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(readFileSync(join(path, 'evaluation.json'), 'utf8')).toBe(before);
    rmSync(join(path, 'topics.jsonl'));
    await save(path, true);
    expect(readdirSync(path).sort()).toEqual(files);
    expect(readdirSync(root).filter((name) => name.startsWith('twice'))).toEqual(['twice']);
  });

  it('replaces several that were saved together', async () => {
    const path = join(root, 'several');
    for (const replace of [false, true]) {
      const folder = await EvaluationFolder.create(path, { replace });
      await folder.add(await evaluated(), ['none']);
      await folder.add(await evaluated(), [replace ? 'rm3' : 'RM3']);
      await folder.finish({ queries: 1 });
    }
    expect(readdirSync(path).sort()).toEqual(['evaluations.json', 'none', 'rm3']);
    expect(JSON.parse(readFileSync(join(path, 'evaluations.json'), 'utf8'))).toMatchObject({
      format: 'quern evaluations',
      folders: ['none', 'rm3'],
      queries: 1,
    });
  });

  const foreign: readonly (readonly [string, (path: string) => void])[] = [
    ['a file', (path) => writeFileSync(path, 'mine')],
    ['a folder with other things', (path) => (mkdirSync(path), writeFileSync(join(path, 'mine'), ''))],
    ['a link to nothing', (path) => symlinkSync(join(root, 'nothing'), path)],
    [
      'an evaluation with notes beside it',
      (path) => {
        mkdirSync(path);
        for (const name of [...files, 'notes.md']) writeFileSync(join(path, name), '');
      },
    ],
    [
      'several evaluations with notes in one of their folders',
      (path) => {
        mkdirSync(join(path, 'rm3'), { recursive: true });
        for (const name of ['evaluations.json', 'rm3/evaluation.json', 'rm3/notes.md'])
          writeFileSync(join(path, name), '');
      },
    ],
    [
      'an evaluation one of whose files is a folder',
      (path) => {
        mkdirSync(join(path, 'run.trec'), { recursive: true });
        writeFileSync(join(path, 'evaluation.json'), '');
      },
    ],
  ];
  it.each(foreign)('leaves %s as it is, whatever it is told', async (what, make) => {
    const path = join(root, what.replaceAll(' ', '-'));
    make(path);
    const before = readdirSync(root, { recursive: true });
    await expect(save(path, true)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(readdirSync(root, { recursive: true })).toEqual(before);
  });

  it('finds out what has come to be in its place meanwhile', async () => {
    const path = join(root, 'meanwhile');
    const folder = await EvaluationFolder.create(path);
    await folder.add(await evaluated());
    mkdirSync(path);
    writeFileSync(join(path, 'mine'), '');
    await expect(folder.finish({})).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await folder.discard();
    expect(readdirSync(path)).toEqual(['mine']);
  });

  it('is not begun where the folder above it is not there', async () => {
    await expect(save(join(root, 'no', 'such'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe("a folder's name", () => {
  it('is what tells evaluations from each other, readable where that can be', () => {
    expect(folderName([])).toBe('');
    expect(folderName(['biology', 'rm3'])).toBe('biology+rm3');
    expect(folderName(['file:/data/a b/Reasoned.json'])).toMatch(/^reasoned\.json-[0-9a-f]{8}$/);
    expect(folderName(['..'])).toMatch(/^run-[0-9a-f]{8}$/);
  });

  it('is safe for any names, and another for others', () => {
    const name = string({ minLength: 1, unit: 'binary' });
    assert(
      property(uniqueArray(array(name, { minLength: 1, maxLength: 2 }), { selector: String }), (all) => {
        const folders = all.map(folderName);
        for (const folder of folders) expect(folder).toMatch(/^[a-z0-9_][a-z0-9._+-]{0,130}$/);
        expect(new Set(folders).size).toBe(new Set(all.map((each) => JSON.stringify(each))).size);
      }),
    );
  });
});
