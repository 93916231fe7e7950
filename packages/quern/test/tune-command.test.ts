import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readGateRecord } from '../src/search/gate-file.ts';
import { sampleFolder } from './beir-collection.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface Tuned {
  readonly collection: string;
  readonly queries: number;
  readonly measure: string;
  readonly combination: {
    readonly chosen: string;
    readonly plain: { readonly mean: number };
    readonly candidates: readonly { readonly name: string; readonly mean: number }[];
    readonly outOfFoldValues: readonly number[];
  };
  readonly gate: { readonly text: string; readonly evidence: { readonly always: number } };
}

const cwd = temporaryFolder();
const sample = `beir:${sampleFolder}`;
const recorded = `file:${join(sampleFolder, 'reasoned.json')}`;

beforeAll(async () => {
  await quernJson(['index', sampleFolder, '--out', 'sample.index'], { cwd });
});

describe('quern tune', () => {
  it.each([
    ['rm3', 13],
    [recorded, 17],
  ])('chooses among the combinations of %s by figures that eval gives', async (reasoner, count) => {
    const args = [sample, '--index', 'sample.index', '--reasoner', reasoner];
    const found = await quernJson<Tuned>(['tune', ...args], { cwd });
    expect(found).toMatchObject({ collection: sample, queries: 30, measure: 'ndcg@10' });
    const { candidates, chosen, plain, outOfFoldValues } = found.combination;
    expect(candidates).toHaveLength(count);
    expect(outOfFoldValues).toHaveLength(30);
    const best = candidates.reduce((a, b) => (b.mean > a.mean + 1e-12 ? b : a));
    expect(chosen).toBe(best.name);
    for (const { name, mean } of [best, candidates.find((each) => each.name === 'rrf')!]) {
      const { measures } = await quernJson<{ measures: Record<string, number> }>(
        ['eval', ...args, '--combine', name],
        { cwd },
      );
      expect(mean).toBeCloseTo(measures['ndcg@10'], 12);
    }
    const bare = await quernJson<{ measures: Record<string, number> }>(['eval', sample], { cwd });
    expect(plain.mean).toBeCloseTo(bare.measures['ndcg@10'], 12);
  });

  it('says where there are fewer topics than folds', async () => {
    const args = ['tune', sample, '--index', 'sample.index', '--reasoner', 'rm3', '--folds', '31'];
    const { warnings } = await quernJson<{ warnings: { message: string }[] }>(args, { cwd });
    expect(warnings.map(({ message }) => message)).toEqual(['31 folds of 30 topics are 30, each a topic']);
  });

  it('writes a gate that holds what was found', async () => {
    const args = [
      'tune',
      sample,
      '--reasoner',
      'rm3',
      '--worth',
      '0.05',
      '--folds',
      '3',
      '--out',
      'gate.json',
    ];
    const { gate, combination } = await quernJson<Tuned>(args, { cwd });
    const record = await readGateRecord(join(cwd, 'gate.json'));
    expect(record.calibration).toMatchObject({
      collection: sample,
      topics: 30,
      scoring: 'bm25',
      reasoner: 'rm3',
      combine: combination.chosen,
      measure: 'ndcg@10',
      worth: 0.05,
      folds: 3,
      seed: 1,
      index: { analyzer: 'english', documents: 135 },
    });
    expect(record.evidence.always).toBe(gate.evidence.always);
    const bytes = readFileSync(join(cwd, 'gate.json'), 'utf8');
    await quernJson([...args.slice(0, -1), 'again.json'], { cwd });
    expect(readFileSync(join(cwd, 'again.json'), 'utf8')).toBe(bytes);
  });

  it('says to somebody new what was chosen, what it brings, how sure that is, and what to do', async () => {
    const args = ['--reasoner', recorded, '--worth', '0.2', '--fold-seed', '3'];
    const { code, stdout } = await quern(['tune', sample, ...args], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^How to combine: replace$/m);
    expect(stdout).toMatch(/On unseen topics, choosing so brings 0\.\d{4} \[/);
    expect(stdout).toMatch(/significant \(p .*, Holm\), against the question as it is/);
    expect(stdout).toMatch(/^When to reason: reason where /m);
    expect(stdout).toMatch(/^ {2}quern search INDEX "question" .*--combine replace --gate FILE$/m);
    expect(stdout).toMatch(/do not show that the gate chooses better than chance/);
    expect(stdout).not.toMatch(/do not show that reasoning helps/);
  });

  it('says of a gain below --worth that it is too little, not that there is none', async () => {
    const { stdout } = await quern(['tune', sample, '--reasoner', 'rm3', '--worth', '0.2'], { cwd });
    expect(stdout).toMatch(/^When to reason: never reason$/m);
    expect(stdout).toMatch(
      /Where it reasons: no topic\. Where it stands aside: \d+ of 30 topics would gain, \d+ lose\./,
    );
    expect(stdout).toMatch(
      /search questions as they are; on these topics reasoning brings too little for --worth 0\.2\./,
    );
  });

  it.each([
    ['no reasoner', [sample], 2, /--reasoner/],
    ['the reasoner none', [sample, '--reasoner', 'none'], 2, /nothing to combine/],
    ['several collections', ['bright:all', '--reasoner', 'rm3'], 2, /is several collections/],
    ['two measures', [sample, '--reasoner', 'rm3', '--measure', 'map,P@5'], 2, /it must name one measure/],
    ['a count', [sample, '--reasoner', 'rm3', '--measure', 'num_ret'], 2, /it is a count/],
    ['one fold', [sample, '--reasoner', 'rm3', '--folds', '1'], 2, /2 or more/],
    ['a worth that is no number', [sample, '--reasoner', 'rm3', '--worth', 'much'], 2, /must be a number/],
    ['a folder that is not there', [sample, '--reasoner', 'rm3', '--out', 'no/gate.json'], 1, /no: no such/],
  ])('refuses %s at once', async (_, args, code, message) => {
    const outcome = await quern(['tune', ...args, '--json'], { cwd });
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
  });

  it('refuses too few topics, and leaves no file', async () => {
    const few = join(cwd, 'few');
    cpSync(sampleFolder, few, { recursive: true });
    const lines = readFileSync(join(sampleFolder, 'qrels/test.tsv'), 'utf8').split('\n').slice(0, 6);
    writeFileSync(join(few, 'qrels/few.tsv'), `${lines.join('\n')}\n`);
    const args = [`beir:${few}`, '--split', 'few', '--reasoner', 'rm3', '--out', 'few.json'];
    const { code, stderr } = await quern(['tune', ...args], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^quern: too few topics with judgements to tune on: 2/);
    expect(existsSync(join(cwd, 'few.json'))).toBe(false);
    expect(readdirSync(cwd).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
