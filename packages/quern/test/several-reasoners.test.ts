/** `quern eval` with several reasoners, on our own sample collection: it runs everywhere. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sampleFolder } from './beir-collection.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface RunRecord {
  readonly run?: string;
  readonly milliseconds: Readonly<Record<string, number>>;
  readonly [field: string]: unknown;
}

interface SeveralRecord extends RunRecord {
  readonly baseline: string;
  readonly runs: readonly RunRecord[];
  readonly comparisons: readonly Readonly<Record<string, unknown>>[];
}

const cwd = temporaryFolder();
const qrels = join(sampleFolder, 'qrels/test.tsv');
const reasoned = join(sampleFolder, 'reasoned.json');
const measured = [
  'eval',
  `beir:${sampleFolder}`,
  '--measures',
  'ndcg@10,map,num_rel_ret',
  '--index',
  'sample',
];

beforeAll(async () => {
  await quern([...measured, '--run', 'bm25.trec'], { cwd });
  await quern([...measured, '--reasoner', 'rm3', '--run', 'rm3.trec'], { cwd });
});

describe('eval with several reasoners', () => {
  it('has the record of the first, and of each what eval prints of it alone', async () => {
    const both = ['--reasoner', 'rm3', '--reasoner', 'none'];
    const { baseline, runs, comparisons, ...first } = await quernJson<SeveralRecord>([...measured, ...both], {
      cwd,
    });
    const rm3 = await quernJson<RunRecord>([...measured, '--reasoner', 'rm3'], { cwd });
    const none = await quernJson<RunRecord>(measured, { cwd });
    const milliseconds = expect.any(Object) as unknown;
    expect({ baseline, ...first }).toEqual({ baseline: 'bm25+rm3', ...rm3, milliseconds });
    expect(runs.map((run) => Object.assign(run, { warnings: [] }))).toEqual([
      { run: 'bm25+rm3', ...rm3, milliseconds },
      { run: 'bm25', ...none, milliseconds },
    ]);
    expect(comparisons).toMatchObject([
      { run: 'bm25', measure: 'ndcg@10' },
      { run: 'bm25', measure: 'map' },
    ]);
  });

  it('compares them as quern compare does', async () => {
    const both = ['--reasoner', 'none', '--reasoner', 'rm3'];
    const { comparisons } = await quernJson<SeveralRecord>([...measured, ...both], { cwd });
    const files = ['compare', 'bm25.trec', 'rm3.trec', '--qrels', qrels, '--measures', 'ndcg@10,map'];
    const compared = await quernJson<SeveralRecord>(files, { cwd });
    const run = 'rm3';
    expect(comparisons.map((each) => ({ ...each, run }))).toEqual(
      compared.comparisons.map((each) => ({ ...each, run })),
    );
  });

  it('prints a row for each, and tells recorded files of one name apart', async () => {
    mkdirSync(join(cwd, 'other'));
    copyFileSync(reasoned, join(cwd, 'other/reasoned.json'));
    const files = ['--reasoner', `file:${reasoned}`, '--reasoner', 'file:other/reasoned.json'];
    const { code, stdout } = await quern([...measured, ...files], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}bm25\+reasoned\.json {2}/m);
    expect(stdout).toMatch(/^ {2}bm25\+file:other\/reasoned\.json {2}/m);
  });

  it('counts in the table what ended early, where anything did', async () => {
    const both = ['--reasoner', 'none', '--reasoner', `file:${reasoned}`];
    const plain = await quern([...measured, ...both], { cwd });
    expect(plain.stdout).not.toContain('ended early');
    const early = await quern([...measured, ...both, '--early-stop', 'every=5,overlap=0.5,checks=1'], {
      cwd,
    });
    const [head, ...rows] = early.stdout.split('\n').slice(1);
    expect(head).toMatch(/ {2}ended early {2}failed$/);
    expect(rows[0]).toMatch(/ {2}0 {2,}0$/);
    expect(rows[1]).toMatch(/ {2}[1-9]\d* {2,}0$/);
  });
});
