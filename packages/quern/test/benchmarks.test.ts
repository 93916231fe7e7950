/** `quern eval` on benchmarks of made documents, laid out as the published ones are. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { R2MED } from '../src/collections/r2med.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeRows } from './written-files.ts';

const data = temporaryFolder();
const env = { QUERN_DATA: data, HF_HUB_CACHE: join(data, 'no-cache') };

const texts = ['the heart pumps blood', 'a kidney filters blood', 'bread goes stale as starch crystallises'];
const ids = texts.map((_, i) => `d${i}`);

interface Outcome {
  readonly collection: string;
  readonly scoring: string;
  readonly queries: number;
  readonly measures: Readonly<Record<string, number>>;
  readonly subsets?: readonly Outcome[];
}

const evaluated = (name: string): Promise<Outcome> =>
  quernJson(['eval', name, '--measures', 'ndcg@10,recip_rank,num_q'], { env });

beforeAll(() => {
  writeRows(join(data, 'Bright-Pro/examples/biology.parquet'), [
    { id: 'biology-0', query: 'why does bread go stale', gold_ids: ['d2'] },
    { id: 'biology-1', query: 'what filters blood', gold_ids: ['d1', 'd0'] },
  ]);
  const contents = texts.map((content, i) => ({ id: ids[i]!, content }));
  writeRows(join(data, 'Bright-Pro/documents/biology.parquet'), contents);
  const documents = texts.map((text, i) => ({ id: ids[i]!, text }));
  for (const [i, subset] of R2MED.subsets.entries()) {
    const folder = join(data, 'R2MED', subset);
    writeRows(join(folder, 'corpus.jsonl.gz'), documents);
    writeRows(join(folder, 'query.jsonl'), [{ id: 'q', text: 'which organ filters' }]);
    // Of the first subset, only a document that matches no word is relevant.
    writeRows(join(folder, 'qrels.jsonl'), [{ q_id: 'q', p_id: i === 0 ? 'd2' : 'd1', score: 1 }]);
  }
  const rarb = join(data, 'rar-b/piqa');
  writeRows(
    join(rarb, 'corpus.jsonl'),
    documents.map(({ id, text }) => ({ _id: id, title: '', text })),
  );
  writeRows(join(rarb, 'queries.jsonl'), [{ _id: 'q', text: 'stale bread' }]);
  writeRows(join(rarb, 'qrels/test.tsv'), [{ 'query-id': 'q', 'corpus-id': 'd2', score: 1 }]);
});

describe('quern eval', () => {
  it('measures a subset of BRIGHT-Pro, with query-side BM25', async () => {
    expect(await evaluated('bright-pro:Biology')).toMatchObject({
      collection: 'bright-pro:biology',
      scoring: 'bm25q',
      queries: 2,
      measures: { 'ndcg@10': 1, recip_rank: 1 },
    });
  });

  it('measures a subset of R2MED, with query-side BM25', async () => {
    expect(await evaluated('r2med:medical_sciences')).toMatchObject({
      collection: 'r2med:Medical-Sciences',
      scoring: 'bm25q',
      measures: { 'ndcg@10': 1 },
    });
  });

  it('measures a task of RAR-b, with plain BM25', async () => {
    expect(await evaluated('rar-b:PIQA')).toMatchObject({
      collection: 'rar-b:piqa',
      scoring: 'bm25',
      measures: { 'ndcg@10': 1 },
    });
  });

  it('puts all subsets of a benchmark together, each counting the same', async () => {
    const { subsets, ...whole } = await evaluated('r2med:all');
    expect(whole).toMatchObject({
      collection: 'r2med:all',
      scoring: 'bm25q',
      queries: 8,
      measures: { 'ndcg@10': 7 / 8, recip_rank: 7 / 8, num_q: 8 },
    });
    expect(subsets?.map(({ collection }) => collection)).toEqual(
      R2MED.subsets.map((name) => `r2med:${name}`),
    );
    expect(subsets?.map(({ measures }) => measures['ndcg@10'])).toEqual([0, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('says which subset of all is not there', async () => {
    const { code, stdout, stderr } = await quern(['eval', 'rar-b:all', '--json'], { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('rar-b:ARC-Challenge');
    expect(stderr).toContain(join(data, 'RAR-b/ARC-Challenge'));
  });

  it.each(['bright-pro:leetcode', 'r2med:astrology', 'rar-b:arc'])(
    'lists the subsets for %s',
    async (name) => {
      const { code, stderr } = await quern(['eval', name], { env });
      expect(code).toBe(2);
      expect(stderr).toMatch(/subsets are .*, /);
    },
  );

  it('names all benchmarks in its help', async () => {
    const { stdout } = await quern(['eval', '--help']);
    for (const prefix of ['bright:', 'bright-pro:', 'r2med:', 'rar-b:', 'beir:']) {
      expect(stdout).toContain(prefix);
    }
  });
});
