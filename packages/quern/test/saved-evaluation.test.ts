/** Saved evaluations, by the command line, on our own sample collection. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBeirQueries } from '../src/collections/beir.ts';
import { readQrels } from '../src/collections/qrels.ts';
import { readTrecRun } from '../src/collections/trec.ts';
import type { Comparison } from '../src/evaluate/comparison.ts';
import type { EvaluationRecord, SeveralRecord } from '../src/evaluate/evaluation-record.ts';
import { evaluateRun, parseMeasures } from '../src/evaluate/measures.ts';
import { savedEvaluationSchema, type SavedEvaluation } from '../src/evaluate/saved-evaluation.ts';
import { sampleFolder } from './beir-collection.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const cwd = temporaryFolder();
const sample = `beir:${sampleFolder}`;
const reasoned = `file:${join(sampleFolder, 'reasoned.json')}`;
const measures = 'ndcg@10,map,recip_rank,recall@100,recall@1000';

function savedIn(folder: string): SavedEvaluation {
  const text = readFileSync(join(cwd, folder, 'evaluation.json'), 'utf8');
  return savedEvaluationSchema.parse(JSON.parse(text));
}

describe('quern eval --save', () => {
  it('saves what compare measures to the same means, topic by topic', async () => {
    const printed = await quernJson<EvaluationRecord & { warnings: unknown }>(
      [
        'eval',
        sample,
        '--reasoner',
        'rm3',
        '--split',
        'test',
        '--combine',
        'interpolate:0.5',
        '--save',
        'rm3',
      ],
      { cwd },
    );
    const { warnings: _, ...record } = printed;
    await quernJson(['eval', sample, '--save', 'plain'], { cwd });
    const saved = savedIn('rm3');
    expect(saved).toMatchObject({
      ...record,
      run: 'bm25+rm3/interpolate:0.5',
      split: 'test',
      analyzer: 'english',
      parameters: { k1: 0.9, b: 0.4 },
      plan: ['interpolate:0.5'],
      judgements: savedIn('plain').judgements,
    });
    expect(saved.topics).toHaveLength(30);

    const pair = ['plain/run.trec', 'rm3/run.trec', '--qrels', 'rm3/qrels.txt', '--measures', measures];
    const compared = await quernJson<Comparison>(['compare', ...pair], { cwd });
    const means = compared.runs.filter(({ run }) => run === saved.run);
    expect(Object.fromEntries(means.map(({ measure, mean }) => [measure, mean]))).toEqual(
      Object.fromEntries(
        Object.entries(record.measures).map(([name, mean]) => [name, expect.closeTo(mean, 12)]),
      ),
    );
    const { perTopic } = evaluateRun(
      await readTrecRun(join(cwd, 'rm3/run.trec')),
      await readQrels(join(cwd, 'rm3/qrels.txt')),
      parseMeasures([measures]),
      { complete: true },
    );
    expect(saved.topics.map((topic) => [topic.id, topic.measures])).toEqual([...perTopic]);
  });

  it('saves the questions, what was made of them, and how', async () => {
    await quernJson(['eval', sample, '--reasoner', reasoned, '--save', 'texts'], { cwd });
    const lines = readFileSync(join(cwd, 'texts/topics.jsonl'), 'utf8').trimEnd().split('\n');
    const topics = lines.map((line) => JSON.parse(line) as { _id: string; reasoned: object });
    const recorded = JSON.parse(readFileSync(join(sampleFolder, 'reasoned.json'), 'utf8')) as Record<
      string,
      string
    >;
    mkdirSync(join(cwd, 'beir'));
    writeFileSync(join(cwd, 'beir/queries.jsonl'), lines.join('\n'));
    const queries = await readBeirQueries(join(cwd, 'beir'));
    const all = await readBeirQueries(sampleFolder);
    expect(queries).toEqual(all.filter(({ id }) => queries.some((each) => each.id === id)));
    for (const [i, { text }] of queries.entries()) {
      expect(topics[i].reasoned).toMatchObject({ text: recorded[text], finish: 'stop', cached: true });
      expect(topics[i].reasoned).not.toHaveProperty('query');
    }
    expect(savedIn('texts').topics[0].reasoning).toEqual({
      finish: 'stop',
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: expect.any(Number),
      cached: true,
      searched: ['reasoned'],
    });
  });

  it('saves several reasoners a folder each, and what they have in common', async () => {
    const printed = await quernJson<SeveralRecord & { warnings: unknown }>(
      ['eval', sample, '--reasoner', 'none', '--reasoner', 'rm3', '--save', 'several'],
      { cwd },
    );
    const { warnings: _, ...record } = printed;
    expect(readdirSync(join(cwd, 'several')).sort()).toEqual(['evaluations.json', 'none', 'rm3']);
    const common = JSON.parse(readFileSync(join(cwd, 'several/evaluations.json'), 'utf8')) as unknown;
    expect(common).toMatchObject({ ...record, folders: ['none', 'rm3'] });
    expect(savedIn('several/rm3').measures).toEqual(record.runs[1].measures);
    expect(savedIn('several/none').measures).toEqual(record.measures);
  });

  it('begins nothing where something is in the way, and leaves nothing where it fails', async () => {
    await quernJson(['eval', sample, '--save', 'there'], { cwd });
    const before = readFileSync(join(cwd, 'there/evaluation.json'), 'utf8');
    const again = await quern(['eval', sample, '--save', 'there'], { cwd });
    expect([again.code, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toContain('Replace it with --replace');
    const failed = await quern(
      ['eval', sample, '--reasoner', 'file:none.json', '--save', 'there', '--replace'],
      { cwd },
    );
    expect(failed.code).toBe(1);
    expect(readFileSync(join(cwd, 'there/evaluation.json'), 'utf8')).toBe(before);
    expect(readdirSync(cwd).filter((name) => name.includes('.partial-'))).toEqual([]);
    await quernJson(['eval', sample, '--reasoner', 'rm3', '--save', 'there', '--replace'], { cwd });
    expect(savedIn('there').reasoner).toBe('rm3');
  });

  it.each([
    ['--replace without --save', ['--replace']],
    ['a run within the folder', ['--save', 'x', '--run', 'x/run.trec']],
    ['an index within the folder', ['--save', 'x', '--index', './x/index']],
  ])('refuses %s', async (_, options) => {
    const { code } = await quern(['eval', sample, ...options], { cwd });
    expect([code, existsSync(join(cwd, 'x'))]).toEqual([2, false]);
  });
});
