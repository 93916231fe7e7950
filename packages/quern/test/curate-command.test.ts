/** `quern curate` as its users run it: on the real dumps, with Python's readers, and killed at any moment. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StageRecord } from '../src/curate/stage-record.ts';
import { answerRow, questionRow, variedBody, writeDumpFile } from './dump-file.ts';
import { randomIntegers } from '../src/random.ts';
import { FakeHub } from './fake-hub.ts';
import { fileHashes } from './file-hashes.ts';
import { preferencesRow, writePreferencesFile } from './preferences-file.ts';
import { finished, quern, quernJson, startQuern } from './run-quern.ts';
import { dataPath, sharedData } from './shared-data.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { hasTestPython, testPython } from './test-python.ts';

const folder = temporaryFolder();

interface Printed {
  readonly out: string | null;
  readonly wasThere: boolean;
  readonly splits: Readonly<Record<string, number>> | null;
  readonly retrieval: { readonly documents: number; readonly queries: number } | null;
  readonly stages: readonly StageRecord[];
}

describe.skipIf(sharedData === undefined)('real dumps', () => {
  it.each([
    ['beer.2017', 663, 1572, 606],
    ['coffee.2015', 225, 327, 189],
    ['matheducators.2015', 397, 1507, 373],
  ])('%s has the questions and answers that are known of it', async (name, questions, answers, kept) => {
    const out = join(folder, name);
    const source = dataPath(join('stackexchange', name));
    const printed = await quernJson<Printed>(['curate', source, '--out', out, '--data', dataPath('.')]);
    expect(printed.stages[0].counts).toEqual({ questions, answers });
    expect(printed.stages.at(-1)).toMatchObject({ stage: 'split', questionsOut: kept });
    expect(printed.stages.find(({ stage }) => stage === 'decontaminate')?.counts).toEqual({
      'protected texts': 2133,
    });
    expect(readdirSync(out).sort()).toEqual([
      'README.md',
      'dataset.json',
      'report.html',
      'test.parquet',
      'train.parquet',
      'validation.parquet',
    ]);
  });

  it('a folder of dumps is curated as a whole, and searched as a collection', async () => {
    const [out, retrieval] = [join(folder, 'sites'), join(folder, 'sites-retrieval')];
    const printed = await quernJson<Printed>([
      'curate',
      dataPath('stackexchange'),
      '--out',
      out,
      '--retrieval',
      retrieval,
      '--data',
      dataPath('.'),
    ]);
    expect(printed.retrieval).toMatchObject({ documents: 3406, queries: 1168 });
    const evaluated = await quernJson<{ queries: number; measures: Record<string, number> }>([
      'eval',
      `beir:${retrieval}`,
      '--split',
      'all',
    ]);
    expect(evaluated.queries).toBe(1168);
    expect(evaluated.measures['ndcg@10']).toBeGreaterThan(0.4);
  });

  it.skipIf(!hasTestPython)('the text of every post has the words that another parser finds', async () => {
    const out = join(folder, 'words');
    const source = dataPath('stackexchange/beer.2017');
    await quern(['curate', source, '--out', out, '--until', 'text']);
    const texts = join(`${out}.work`, '02-text', 'questions.jsonl');
    const { posts, different } = testPython<{ posts: number; different: string[] }>(
      'html_text.py',
      source,
      texts,
    );
    expect(posts).toBe(663 + 1572);
    expect(different).toEqual([]);
  });
});

/** A dump that takes some seconds. */
function writeDump(path: string, questions: number): void {
  const ids = Array.from({ length: questions }, (_, i) => i + 1);
  writeDumpFile(path, 'Posts', [
    ...ids.map((id) =>
      questionRow(id, `Question ${id}`, variedBody(id) + variedBody(id * 7), { Score: id % 5 }),
    ),
    ...ids.map((id) =>
      answerRow(100_000 + id, id, `<p>An answer to ${id} of the length that it takes to count.</p>`),
    ),
  ]);
}

it(
  'killed at any moment, it goes on, and comes to the bytes of a run that was not',
  { timeout: 240_000 },
  async () => {
    const source = join(folder, 'physics.stackexchange.com');
    writeDump(source, 4000);
    const command = (name: string): string[] => [
      'curate',
      source,
      '--out',
      join(folder, name, 'set'),
      '--retrieval',
      join(folder, name, 'retrieval'),
    ];
    for (const name of ['whole', 'killed']) mkdirSync(join(folder, name));
    const started = Date.now();
    await quernJson(command('whole'));
    const whole = Date.now() - started;
    const out = join(folder, 'killed', 'set');
    let kills = 0;
    for (let isDone = false; !isDone;) {
      const running = startQuern(command('killed'));
      // Each is killed somewhat later than the one before: a run that gets nowhere would never end.
      const timer = setTimeout(() => running.kill('SIGKILL'), 250 + (whole / 7) * (0.5 + kills / 6));
      const { code } = await finished(running);
      clearTimeout(timer);
      isDone = code === 0;
      if (!isDone) kills++;
      // Whole or not there.
      const expected = fileHashes(join(folder, 'whole', 'set'));
      expect(existsSync(out) ? fileHashes(out) : expected).toEqual(expected);
      expect(kills).toBeLessThan(40);
    }
    expect(kills).toBeGreaterThan(2);
    expect(fileHashes(join(folder, 'killed'))).toEqual(fileHashes(join(folder, 'whole')));
  },
);

it('two at once on the same set: one does it, the other says so', async () => {
  const source = join(folder, 'both.stackexchange.com');
  writeDump(source, 1500);
  const command = ['curate', source, '--out', join(folder, 'both')];
  const ended = await Promise.all([quern(command), quern(command)]);
  const codes = ended.map(({ code }) => code).sort();
  expect([
    [0, 0],
    [0, 1],
  ]).toContainEqual(codes);
  const refusals = ended.filter(({ code }) => code === 1).map(({ stderr }) => stderr);
  expect(refusals.filter((said) => !said.includes('is being written by process'))).toEqual([]);
  expect(readdirSync(join(folder, 'both'))).toContain('dataset.json');
});

it('stopped, it leaves what is done, and says how to go on', async () => {
  const source = join(folder, 'stopped.stackexchange.com');
  writeDump(source, 4000);
  const out = join(folder, 'stopped');
  const running = startQuern(['curate', source, '--out', out]);
  running.stderr!.once('data', () => running.kill('SIGINT'));
  const { code, stderr } = await finished(running);
  expect(code).toBe(1);
  expect(stderr).toContain('stopped on request');
  expect(existsSync(out)).toBe(false);
  const printed = await quernJson<Printed>(['curate', source, '--out', out]);
  expect(printed.splits).not.toBeNull();
});

it('the preferences data is read from the hub, of the wanted domains alone', async () => {
  const sites = ['math.stackexchange.com', 'cooking.stackexchange.com'];
  const files = sites.map((host, site): [string, Buffer] => {
    const path = join(folder, `${host}.parquet`);
    const rows = Array.from({ length: 5 }, (_, i) =>
      preferencesRow(i + 1, { host, question: variedBody(10 * site + i) }),
    );
    writePreferencesFile(path, rows);
    return [`data/${host}/train-00000-of-00001.parquet`, readFileSync(path)];
  });
  const hub = await FakeHub.start(Object.fromEntries(files), 'owner/preferences');
  const out = join(folder, 'from-hub');
  const printed = await quernJson<Printed>(['curate', 'owner/preferences', '--out', out], {
    env: { HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, 'hf') },
  });
  expect(printed.stages[0]).toMatchObject({ questionsIn: 5, questionsOut: 5 });
  expect(hub.filesAsked.filter((path) => path.includes('cooking'))).toEqual([]);
  const record = JSON.parse(readFileSync(join(out, 'dataset.json'), 'utf8')) as {
    sources: { title: string }[];
  };
  expect(record.sources.map(({ title }) => title)).toEqual([
    `owner/preferences@${hub.commit.slice(0, 12)}/data/math.stackexchange.com/train-00000-of-00001.parquet`,
  ]);
});

it('own questions are curated, and wrong usage is told from failure', async () => {
  const own = join(folder, 'own.jsonl');
  writeFileSync(
    own,
    `${JSON.stringify({ question: 'How do I descale it?', answers: ['With vinegar.'] })}\nnonsense\n`,
  );
  const out = join(folder, 'own');
  const { code, stdout, stderr } = await quern(['curate', own, '--out', out]);
  expect(code).toBe(0);
  expect(stdout).toContain('1 x a line that is not JSON');
  expect(stdout).toContain('1 question with 1 positive');
  expect(stderr).toContain('BRIGHT is not here');
  rmSync(out, { recursive: true });
  for (const [args, message] of [
    [['curate', own], "required option '--out <folder>'"],
    [['curate', own, '--out', out, '--positives', 'reasoned'], 'needs a reasoner'],
    [['curate', own, '--out', out, '--budget', 'much'], 'an amount of money, or of tokens'],
    [['curate', own, '--out', out, '--until', 'lunch'], 'Allowed choices are parse'],
    [['curate', own, '--out', out, '--domains', 'a,,b'], 'names between commas'],
  ] as const) {
    const wrong = await quern(args);
    expect(wrong.stderr).toContain(message);
    expect(wrong.code).toBe(2);
  }
  const missing = await quern(['curate', join(folder, 'missing'), '--out', out]);
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toContain('no such file or folder');
});

it.skipIf(!hasTestPython)(
  'no two questions are left that another program finds nearly the same',
  async () => {
    const next = randomIntegers(11);
    const word = (): string => `w${next() % 400}`;
    const texts = Array.from({ length: 250 }, () => Array.from({ length: 20 + (next() % 60) }, word));
    const copies = texts.map((text) => {
      const rate = 4 + (next() % 40);
      return text.map((each) => (next() % rate === 0 ? word() : each));
    });
    const own = join(folder, 'alike.jsonl');
    const lines = [...texts, ...copies].map((text, id) =>
      JSON.stringify({ id, question: text.join(' '), answers: ['So it is.'] }),
    );
    writeFileSync(own, lines.join('\n'));
    const out = join(folder, 'alike');
    const printed = await quernJson<Printed>(['curate', own, '--out', out, '--keep']);
    const found = testPython<{ left: number; alike: string[][]; wrong: unknown[] }>(
      'near_duplicates.py',
      join(`${out}.work`, '02-text', 'questions.jsonl'),
      join(`${out}.work`, '04-duplicates', 'dropped.jsonl'),
      '0.7',
    );
    expect(found).toMatchObject({ alike: [], wrong: [] });
    expect(found.left).toBe(printed.stages.find(({ stage }) => stage === 'duplicates')!.questionsOut);
    expect(found.left).toBeGreaterThan(300);
    expect(found.left).toBeLessThan(480);
  },
);

describe.skipIf(!hasTestPython)('what other engines read', () => {
  it('pyarrow, pandas, datasets and DuckDB find the same rows, an empty split among them', async () => {
    const source = join(folder, 'engines.stackexchange.com');
    writeDump(source, 50);
    const out = join(folder, 'engines');
    await quernJson(['curate', source, '--out', out, '--test', '0', '--validation', '0.2']);
    const read = testPython<Record<string, unknown>>('read_training_set.py', out);
    expect(read).toMatchObject({
      duckdb: read['pyarrow'],
      pandas: read['pyarrow'],
      datasets: read['pyarrow'],
    });
    expect(read['pyarrow']).toMatchObject({ test: 0 });
    expect(read['schema']).toEqual([
      'id: string',
      'domain: string',
      'prompt: list<element: struct<role: string, content: string>>',
      'question: string',
      'positives: list<element: string>',
      'answer: string',
      'data_source: string',
      'reward_model: struct<style: string, ground_truth: string>',
      'extra_info: struct<split: string, index: int64, id: string, domain: string, url: string>',
    ]);
    expect(read['row']).toMatchObject({
      label_is_ground_truth: true,
      query_is_question: true,
      roles: ['system', 'user'],
    });
  });
});
