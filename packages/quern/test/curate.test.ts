/** Curation as a whole, stage by stage, on a small dump of our own writing. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describe, expect, it } from 'vitest';
import { curate } from '../src/curate/curate.ts';
import type { CurateOptions } from '../src/curate/curate-options.ts';
import type { TrainingRecord } from '../src/curate/output/training-record.ts';
import type { Dropped, StageRecord } from '../src/curate/stage-record.ts';
import { openCollection } from '../src/collections/collection.ts';
import { Warnings } from '../src/warnings.ts';
import { fileHashes } from './file-hashes.ts';
import { answerRow, questionRow, variedBody, writeDumpFile, type DumpRow } from './dump-file.ts';
import { preferencesRow, writePreferencesFile } from './preferences-file.ts';
import { reasonedQuery } from './reasoned-query.ts';
import { temporaryFolder } from './temporary-folder.ts';
import type { Reasoner } from '../src/reason/reasoner.ts';

const folder = temporaryFolder();
let runs = 0;

/** A dump in which each of these questions has its reason to be left out, among others that have none. */
const dump = join(folder, 'physics.stackexchange.com');
const good = Array.from({ length: 40 }, (_, i) => i + 100);
const shared =
  '<p>Why does a kettle that has been descaled sing louder on a gas stove than on an electric one, at the same power?</p>' +
  '<p>I have tried it with three kettles, with soft and with hard water, and with the lid on and off, always with the same result.</p>';
const rows: (DumpRow | string)[] = [
  ...good.map((id) => questionRow(id, `Question ${id}`, variedBody(id), { AcceptedAnswerId: 1000 + id })),
  questionRow(
    1,
    'With an image',
    '<p>Look at this: <img src="https://i.example.org/a.png"> and tell me what it may be.</p>',
  ),
  questionRow(2, 'Deleted', variedBody(2), { DeletionDate: '2019-02-01T00:00:00.000' }),
  questionRow(3, 'Voted down', variedBody(3), { Score: -2 }),
  questionRow(4, 'Too long', `<p>${'very long '.repeat(1700)}</p>`),
  questionRow(5, '?', '<p>Too short</p>'),
  questionRow(
    6,
    'Warum ist das so?',
    '<p>Ich habe schon lange versucht zu verstehen, warum der Himmel am Abend rot wird, aber niemand konnte es mir erklären, und die Bücher schweigen dazu.</p>',
  ),
  questionRow(7, 'Singing kettle', shared, { Score: 9 }),
  questionRow(8, 'singing KETTLE!', shared),
  questionRow(9, 'Singing kettles', shared.replace('descaled', 'cleaned')),
  questionRow(10, 'Closed as a duplicate', variedBody(10)),
  questionRow(11, 'No answer', variedBody(11)),
  questionRow(12, 'Poor answers', variedBody(12)),
  questionRow(
    13,
    'Of a benchmark',
    '<p>Some say that the benchmark asks how many angels can dance upon the head of a pin at noon on a Sunday, is it so?</p>',
  ),
  ...good.flatMap((id) => [
    answerRow(1000 + id, id, `<p>The accepted answer to ${id}, which is long enough to count.</p>`),
    answerRow(2000 + id, id, `<p>A better liked answer to ${id}, which is long enough as well.</p>`, {
      Score: 30,
    }),
  ]),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13].map((id) =>
    answerRow(1000 + id, id, `<p>An answer to the question ${id} that is long enough to count.</p>`),
  ),
  answerRow(1012, 12, '<p>An answer that nobody has voted for, long enough to count.</p>', { Score: 0 }),
  answerRow(1999, 999, '<p>An answer to a question that is not there at all.</p>'),
  { Id: 50, PostTypeId: 5, Body: '<p>A wiki</p>' },
  { Id: 51, PostTypeId: 2, Score: 1, Body: '<p>Without a parent</p>' },
  '  <row Id="52" PostTypeId="1" Body="cut',
];
writeDumpFile(dump, 'Posts', rows);
writeDumpFile(dump, 'PostLinks', [
  { Id: 1, PostId: 10, RelatedPostId: 100, LinkTypeId: 3 },
  { Id: 2, PostId: 101, RelatedPostId: 102, LinkTypeId: 1 },
]);
writeDumpFile(dump, 'Users', [{ Id: 100, DisplayName: 'Ada <script>' }]);

/** A benchmark that one of the questions has leaked into. */
const benchmark = join(folder, 'benchmark');
mkdirSync(join(benchmark, 'qrels'), { recursive: true });
writeFileSync(
  join(benchmark, 'queries.jsonl'),
  `${JSON.stringify({ _id: 'b1', text: 'How many angels can dance upon the head of a pin at noon on a Sunday?' })}\n`,
);
writeFileSync(join(benchmark, 'corpus.jsonl'), '');
writeFileSync(join(benchmark, 'qrels', 'train.tsv'), 'query-id\tcorpus-id\tscore\n');

const against = [`beir:${benchmark}`];

async function run(options: Partial<CurateOptions> = {}, sources: readonly string[] = [dump]) {
  const out = join(folder, `out-${runs++}`);
  const stages: StageRecord[] = [];
  const warnings = new Warnings();
  const result = await curate(sources, {
    out,
    against,
    keepsWork: true,
    onStage: (stage) => stages.push(stage),
    warnings,
    ...options,
  });
  return { out: options.out ?? out, result, stages, warnings: warnings.list() };
}

async function rowsOf(out: string, split: string): Promise<TrainingRecord[]> {
  const file = await asyncBufferFromFile(join(out, `${split}.parquet`));
  return (await parquetReadObjects({ file, compressors })) as TrainingRecord[];
}

async function allRows(out: string): Promise<TrainingRecord[]> {
  return (await Promise.all(['train', 'validation', 'test'].map((split) => rowsOf(out, split)))).flat();
}

function droppedIn(out: string, stage: string): Dropped[] {
  const name = readdirSync(`${out}.work`).find((each) => each.endsWith(`-${stage}`))!;
  return readFileSync(join(`${out}.work`, name, 'dropped.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Dropped);
}

describe('a dump becomes a training set', () => {
  it('stage by stage, each question with its reason', async () => {
    const { out, stages, result } = await run();
    expect(stages.map(({ stage, questionsIn, questionsOut }) => [stage, questionsIn, questionsOut])).toEqual([
      ['parse', 53, 53],
      ['text', 53, 53],
      ['filter', 53, 47],
      ['duplicates', 47, 44],
      ['decontaminate', 44, 43],
      ['positives', 43, 41],
      ['sample', 41, 41],
      ['split', 41, 41],
    ]);
    const reasons = (stage: string): Record<string, string> =>
      Object.fromEntries(droppedIn(out, stage).map(({ id, reason }) => [id.split('/')[1], reason]));
    expect(reasons('filter')).toEqual({
      1: 'shows an image',
      2: 'deleted',
      3: 'negative score',
      4: 'too long',
      5: 'too short',
      6: 'another language',
    });
    expect(reasons('duplicates')).toEqual({
      8: 'same words',
      9: 'nearly the same',
      10: 'marked as a duplicate',
    });
    expect(reasons('positives')).toEqual({ 11: 'no answer', 12: 'no answer that is good enough' });
    const near = droppedIn(out, 'duplicates').find(({ reason }) => reason === 'nearly the same')!;
    expect(near).toMatchObject({ like: 'physics.stackexchange.com/7' });
    expect(near.similarity).toBeGreaterThanOrEqual(0.7);
    expect(droppedIn(out, 'decontaminate')).toMatchObject([
      {
        id: 'physics.stackexchange.com/13',
        reason: 'shares a run of words',
        like: 'beir:benchmark/b1',
        detail: 'question: how many angels can dance upon the head of a pin at noon',
      },
    ]);
    const faults = stages.flatMap(({ faults: own = [] }) => own.map(({ kind, count }) => `${count} ${kind}`));
    expect(faults).toEqual([
      '1 a row that is not closed',
      '1 an answer without a ParentId that is a number',
      '1 an answer without its question',
    ]);
    expect(stages[1].counts).toMatchObject({
      'answers without their question': 1,
      'questions without an answer': 1,
    });
    expect(result.curation).toMatchObject({
      domains: [{ domain: 'physics', read: 53, kept: 41 }],
      against: [{ collection: 'beir:benchmark', texts: 1 }],
    });
  });

  it('with rows that every engine finds its own in', async () => {
    const { out } = await run();
    const found = await allRows(out);
    expect(found).toHaveLength(41);
    const row = found.find(({ id }) => id === 'physics.stackexchange.com/100')!;
    expect(row.question).toMatch(/^Question 100\n\nMy kettle leaks whenever case 100/);
    expect(row.prompt).toEqual([
      { role: 'system', content: '' },
      {
        role: 'user',
        content:
          'Instructions:\n1. Identify the essential problem.\n2. Think step by step to reason and describe what information could be relevant and helpful to address the questions in detail.\n3. Draft an answer with as many thoughts as you have.\nQuestion: ' +
          row.question,
      },
    ]);
    expect(row.positives).toEqual([
      'The accepted answer to 100, which is long enough to count.',
      'A better liked answer to 100, which is long enough as well.',
    ]);
    expect(JSON.parse(row.answer)).toEqual({
      query: row.question,
      pos_docs_list: row.positives,
      think_flag: false,
    });
    expect(row.reward_model).toEqual({ style: 'rule', ground_truth: row.answer });
    expect(row.extra_info).toMatchObject({
      id: row.id,
      domain: 'physics',
      url: 'https://physics.stackexchange.com/questions/100',
    });
  });

  it('with a record that names each post, and files that no text can break', async () => {
    const { out } = await run();
    const record = JSON.parse(readFileSync(join(out, 'dataset.json'), 'utf8')) as {
      posts: { post: string; author?: { name?: string; profile?: string }; url: string; licence: string }[];
      files: Record<string, string>;
    };
    // A question and its answers that are positives: 40 with two, and the singing kettle with one.
    expect(record.posts).toHaveLength(40 * 3 + 2);
    expect(record.posts.find(({ post }) => post === 'physics.stackexchange.com/100')).toEqual({
      post: 'physics.stackexchange.com/100',
      author: { name: 'Ada <script>', profile: 'https://physics.stackexchange.com/users/100' },
      url: 'https://physics.stackexchange.com/questions/100',
      licence: 'CC BY-SA 4.0',
    });
    expect(record.files['train.parquet']).toBe(fileHashes(out)['/train.parquet']);
    const html = readFileSync(join(out, 'report.html'), 'utf8');
    expect(html).not.toMatch(/<script|<img/);
    expect(html).toContain('nearly the same');
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toMatch(/^---\npretty_name: /);
    expect(readFileSync(join(out, 'README.md'), 'utf8')).not.toContain('whenever case');
  });

  it('think is asked for where it is wanted', async () => {
    const { out } = await run({ think: true });
    const [row] = await allRows(out);
    expect(row.prompt[0].content).toMatch(/<think>.*<answer>/);
    expect(JSON.parse(row.answer)).toMatchObject({ think_flag: true });
  });
});

describe('what is drawn', () => {
  it('is of the seed alone, and another seed draws others, in the same splits', async () => {
    const ids = async (seed: number): Promise<Map<string, string>> =>
      new Map(
        (await allRows((await run({ seed, perDomain: 12 })).out)).map(({ id, extra_info: { split } }) => [
          id,
          split,
        ]),
      );
    const [first, again, other] = [await ids(1), await ids(1), await ids(2)];
    expect(first.size).toBe(12);
    expect(again).toEqual(first);
    expect([...other.keys()].sort()).not.toEqual([...first.keys()].sort());
    const whole = new Map(
      (await allRows((await run()).out)).map(({ id, extra_info: { split } }) => [id, split]),
    );
    for (const drawn of [first, other]) for (const [id, split] of drawn) expect(whole.get(id)).toBe(split);
  });

  it('is looked at no further than it has to be', async () => {
    const { stages, out } = await run({ perDomain: 5, candidates: 2 });
    expect(stages[1].questionsOut).toBe(10);
    expect(stages[0].questionsOut + (stages[0].dropped['not drawn'] ?? 0)).toBe(53);
    const few = (await allRows(out)).map(({ id }) => id);
    const all = new Set((await allRows((await run({ perDomain: 5 })).out)).map(({ id }) => id));
    // The same are first, where enough of the first pass.
    expect(few.filter((id) => all.has(id)).length).toBeGreaterThan(2);
  });
});

describe('a run that was broken off', () => {
  it('goes on after each stage, and comes to the same bytes', async () => {
    const whole = await run({ retrieval: join(folder, 'retrieval-whole') });
    for (const until of [
      'parse',
      'text',
      'filter',
      'duplicates',
      'decontaminate',
      'positives',
      'sample',
    ] as const) {
      const out = join(folder, `until-${until}`, 'set');
      mkdirSync(join(out, '..'));
      const retrieval = join(out, '..', 'retrieval');
      const first = await run({ out, retrieval, until });
      expect(first.result).toMatchObject({ wasThere: false, work: `${out}.work` });
      expect(existsSync(out)).toBe(false);
      const done: boolean[] = [];
      await curate([dump], { out, against, retrieval, onStage: (_, wasDone) => done.push(wasDone) });
      // What is drawn is found out anew each time.
      const drawn = until === 'sample' ? 1 : 0;
      expect(done.filter(Boolean)).toHaveLength(first.stages.length - drawn);
      const own = fileHashes(out);
      const theirs = fileHashes(whole.out);
      // The name of the set, which is that of the folder, stands in these.
      for (const name of ['/README.md', '/dataset.json', '/report.html']) {
        delete own[name];
        delete theirs[name];
      }
      expect(own).toEqual(theirs);
      expect(fileHashes(retrieval)).toEqual(fileHashes(join(folder, 'retrieval-whole')));
      expect(existsSync(`${out}.work`)).toBe(false);
    }
  });

  it('does again what other settings change, and no more', async () => {
    const { out } = await run({ until: 'sample' });
    const done: [string, boolean][] = [];
    await curate([dump], {
      out,
      against,
      filter: { leastCharacters: 60 },
      onStage: ({ stage }, wasDone) => done.push([stage, wasDone]),
    });
    expect(done.filter(([, wasDone]) => wasDone).map(([stage]) => stage)).toEqual(['parse', 'text']);
  });

  it('does all again where a source has changed', async () => {
    const { out } = await run({ until: 'text' });
    utimesSync(join(dump, 'Posts.xml'), 1, 2);
    const done: boolean[] = [];
    await curate([dump], { out, against, onStage: (_, wasDone) => done.push(wasDone) });
    expect(done).not.toContain(true);
  });

  it('is done where the same set is there, and another is not overwritten', async () => {
    const { out } = await run();
    const before = fileHashes(out);
    expect((await curate([dump], { out, against })).wasThere).toBe(true);
    expect(fileHashes(out)).toEqual(before);
    expect(existsSync(`${out}.work`)).toBe(false);
    await expect(curate([dump], { out, against, seed: 5 })).rejects.toThrow(
      'made with other seed. Delete it',
    );
    await expect(curate([dump], { out, against, retrieval: join(folder, 'none') })).rejects.toThrow(
      'made with other candidates, retrieval',
    );
    rmSync(join(out, 'test.parquet'));
    await expect(curate([dump], { out, against })).rejects.toThrow('lacks test.parquet');
    rmSync(join(out, 'dataset.json'));
    await expect(curate([dump], { out, against })).rejects.toThrow('holds no data set of quern curate');
  });

  it('by a reasoner that fails asks it again for what it failed on alone', async () => {
    const asked: string[] = [];
    let isDown = true;
    const reasoner: Reasoner = {
      id: 'strong',
      async reason(query) {
        asked.push(query);
        const failed = isDown && query.includes('case 105');
        return reasonedQuery(
          query,
          failed ? { text: '', finish: 'failed' } : { text: `Reasoned: ${query.slice(0, 20)}` },
        );
      },
      async close() {},
    };
    const out = join(folder, 'reasoned');
    const options = { out, positives: 'reasoned', reasoner: { reasoner, name: 'strong' } } as const;
    await expect(run(options)).rejects.toThrow(
      'strong: failed on 1 of 43 questions. The same command asks these again',
    );
    isDown = false;
    const before = asked.length;
    const { result } = await run(options);
    expect(asked.length - before).toBe(1);
    // Questions without answers are kept: the reasoner answers them.
    expect(result.curation?.splits).toMatchObject({});
    const found = await allRows(out);
    expect(found).toHaveLength(43);
    for (const { positives, question } of found)
      expect(positives).toEqual([`Reasoned: ${question.slice(0, 20)}`.trim()]);
  });

  it('within a budget goes on with the next', async () => {
    const reasoner: Reasoner = {
      id: 'strong',
      reason: async (query) => reasonedQuery(query, { text: 'Words', completionTokens: 10 }),
      close: async () => undefined,
    };
    const out = join(folder, 'budget');
    const options = {
      out,
      positives: 'both',
      reasoner: { reasoner, name: 'strong' },
      budget: { kind: 'tokens', amount: 250 },
    } as const;
    await expect(run(options)).rejects.toThrow(
      'the budget of this run is used up, 25 of 43 questions answered',
    );
    const { out: done } = await run(options);
    const row = (await allRows(done)).find(({ id }) => id.endsWith('/100'))!;
    expect(row.positives).toHaveLength(3);
    expect(row.positives[2]).toBe('Words');
  });
});

it('the questions are a collection for retrieval too, without the answers to duplicates', async () => {
  const retrieval = join(folder, 'retrieval');
  await run({ retrieval });
  const { topics, qrels } = await openCollection(`beir:${retrieval}`, { split: 'all' });
  expect(topics).toHaveLength(41);
  expect(Object.fromEntries(qrels.get('physics.stackexchange.com/100')!)).toEqual({
    'physics.stackexchange.com/1100': 2,
    'physics.stackexchange.com/2100': 1,
  });
  const ids = readFileSync(join(retrieval, 'corpus.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => Number(/"_id":"[^/]+\/(\d+)"/.exec(line)![1]));
  // Answers to what was left out for other reasons are there, as others are that do not answer.
  for (const id of [1001, 1006, 1012, 1013]) expect(ids).toContain(id);
  for (const id of [1008, 1009, 1010]) expect(ids).not.toContain(id);
  const splits = await Promise.all(
    ['train', 'validation', 'test'].map((split) => openCollection(`beir:${retrieval}`, { split })),
  );
  expect(splits.reduce((sum, each) => sum + each.topics.length, 0)).toBe(41);
});

describe('other sources', () => {
  it('the preferences data is taken of the nine domains, unless others are named', async () => {
    const path = join(folder, 'preferences.parquet');
    const hosts = ['Stackoverflow.com', 'math.stackexchange.com', 'cooking.stackexchange.com'];
    writePreferencesFile(
      path,
      hosts.map((host, i) => preferencesRow(i + 1, { host, question: variedBody(i) })),
    );
    const { out, stages } = await run({}, [path]);
    expect(stages[0]).toMatchObject({ questionsIn: 3, dropped: { 'another domain': 1 } });
    expect((await allRows(out)).map(({ domain }) => domain).sort()).toEqual(['math', 'stackoverflow']);
    const others = await run({ domains: ['cooking'] }, [path]);
    expect((await allRows(others.out)).map(({ id }) => id)).toEqual(['cooking.stackexchange.com/3']);
  });

  it('own questions are all taken, however short, in any language', async () => {
    const path = join(folder, 'own.jsonl');
    writeFileSync(
      path,
      [
        { question: 'Wie geht das?', answers: [{ text: 'So.', score: 0 }] },
        { question: 'pump hums', answers: ['Unplug it.'] },
        { question: 'no answer', answers: [] },
      ]
        .map((line) => JSON.stringify(line))
        .join('\n'),
    );
    const { out } = await run({}, [path]);
    expect((await allRows(out)).map(({ question }) => question).sort()).toEqual([
      'Wie geht das?',
      'pump hums',
    ]);
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toContain('The sources state no licence.');
  });

  it('a query log is taken by its clicks, up to the time that it is measured from', async () => {
    const log = join(folder, 'searches.tsv');
    const times = Array.from({ length: 10 }, (_, i) => `2024-01-${String(i + 1).padStart(2, '0')}T00:00:00Z`);
    writeFileSync(
      log,
      `query\tclicks\ttime\n${times.map((time, i) => `query number ${i}\td${i % 3} gone\t${time}`).join('\n')}\n`,
    );
    const corpus = join(folder, 'documents.jsonl');
    writeFileSync(
      corpus,
      [0, 1, 2]
        .map((i) => JSON.stringify({ id: `d${i}`, title: `Title ${i}`, text: `Text ${i}` }))
        .join('\n'),
    );
    const { out, stages } = await run({ corpus }, [`log:${log}`]);
    const found = await allRows(out);
    expect(found.length).toBeGreaterThan(5);
    expect(found.length).toBeLessThan(10);
    expect(found.find(({ question }) => question === 'query number 1')?.positives).toEqual([
      'Title 1 Text 1',
    ]);
    expect(stages[0].faults).toMatchObject([{ kind: 'a clicked document that is not in the corpus' }]);
    await expect(run({}, [`log:${log}`])).rejects.toThrow(
      'a query log needs the documents that were searched',
    );
  });
});

describe('what lies where a run works', () => {
  it('is not removed where no run has made it', async () => {
    const out = join(folder, 'mine');
    mkdirSync(`${out}.work`);
    writeFileSync(join(`${out}.work`, 'thesis.txt'), 'precious');
    await expect(run({ out })).rejects.toThrow('is not the work of quern curate');
    expect(readdirSync(`${out}.work`)).toEqual(['thesis.txt']);
  });

  it('is made again where a part of it was lost', async () => {
    const whole = await run();
    for (const file of [
      '01-parse/posts-0000.jsonl',
      '02-text/questions.jsonl',
      '02-text/facts.bin',
      '03-filter/dropped.jsonl',
      '04-duplicates/stage.json',
    ]) {
      const { out } = await run({ until: 'positives' });
      writeFileSync(join(`${out}.work`, file), '');
      await run({ out });
      expect(fileHashes(out)['/train.parquet']).toBe(fileHashes(whole.out)['/train.parquet']);
    }
  });

  it('is written again where what was handed out is gone', async () => {
    const retrieval = join(folder, 'gone-retrieval');
    const { out } = await run({ retrieval });
    const before = fileHashes(out);
    rmSync(out, { recursive: true });
    rmSync(retrieval, { recursive: true });
    await run({ out, retrieval });
    expect(fileHashes(out)).toEqual(before);
    expect(existsSync(join(retrieval, 'corpus.jsonl'))).toBe(true);
    rmSync(out, { recursive: true });
    await expect(run({ out, retrieval })).rejects.toThrow('is there already');
  });

  it('cannot be the folder of the other outcome', async () => {
    const out = join(folder, 'apart');
    for (const retrieval of [out, `${out}.work`, join(out, 'inner'), folder]) {
      await expect(run({ out, retrieval })).rejects.toThrow(/same folder|no such file/);
    }
  });
});

/** The ids of the questions that are left of these. */
async function left(name: string, questions: readonly object[]): Promise<string[]> {
  const path = join(folder, `${name}.jsonl`);
  writeFileSync(path, questions.map((question) => JSON.stringify(question)).join('\n'));
  const { out } = await run({}, [path]);
  return (await allRows(out)).map(({ id }) => id).sort();
}

describe('duplicates', () => {
  const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');

  it('of any number leave one, and none of them in two splits', async () => {
    const copies = Array.from({ length: 300 }, (_, i) => ({
      id: i,
      question: `${words} ${i}`,
      answers: ['So it is.'],
    }));
    expect(await left('copies', copies)).toHaveLength(1);
  });

  it('leave the one that has an answer', async () => {
    const asked = { question: `${words} asked`, answers: [] };
    const answered = { id: 'answered', question: `${words} answered`, answers: ['So it is.'] };
    expect(await left('answered', [asked, answered])).toEqual(['answered/answered']);
  });

  it('of the same original leave one, whether that is there or not', async () => {
    const source = join(folder, 'siblings.stackexchange.com');
    writeDumpFile(source, 'Posts', [
      questionRow(1, 'The original', variedBody(1), { Score: -1 }),
      ...[2, 3, 4, 5, 6].map((id) => questionRow(id, `Question ${id}`, variedBody(id * 10), { Score: id })),
      ...[2, 3, 4, 5, 6].map((id) =>
        answerRow(100 + id, id, '<p>An answer that is long enough to count.</p>'),
      ),
    ]);
    writeDumpFile(
      source,
      'PostLinks',
      ['2 1', '3 1', '4 1', '6 999', '5 999'].map((pair, i) => ({
        Id: i,
        PostId: pair.split(' ')[0],
        RelatedPostId: pair.split(' ')[1],
        LinkTypeId: 3,
      })),
    );
    const { out } = await run({}, [source]);
    expect((await allRows(out)).map(({ id }) => id).sort()).toEqual([
      'siblings.stackexchange.com/4',
      'siblings.stackexchange.com/6',
    ]);
  });
});

it('a set is another when it is held against other texts', async () => {
  const { out } = await run();
  await expect(run({ out, against: [] })).rejects.toThrow('made with other against, protected');
});

it('no path of this machine is in what is written', async () => {
  const { out } = await run();
  for (const name of ['dataset.json', 'README.md', 'report.html']) {
    expect(readFileSync(join(out, name), 'utf8')).not.toContain(folder);
  }
});

it('a question stays in its split when its file has another name', async () => {
  const lines = Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({ id: i, question: `Question number ${i}?`, answers: ['So it is.'] }),
  ).join('\n');
  const splits = async (name: string): Promise<string[]> => {
    const path = join(folder, `${name}.jsonl`);
    writeFileSync(path, lines);
    const { out } = await run({}, [path]);
    return (await allRows(out)).map(({ id, extra_info: { split } }) => `${id.split('/')[1]} ${split}`).sort();
  };
  expect(await splits('before')).toEqual(await splits('after'));
});

it('a reasoned text that holds a benchmark is left out', async () => {
  const path = join(folder, 'recite.jsonl');
  writeFileSync(
    path,
    ['one', 'two'].map((id) => JSON.stringify({ id, question: `Question ${id}?` })).join('\n'),
  );
  const reasoner: Reasoner = {
    id: 'strong',
    reason: async (query) =>
      reasonedQuery(query, {
        text: query.includes('one')
          ? 'How many angels can dance upon the head of a pin at noon on a Sunday'
          : 'Words',
      }),
    close: async () => undefined,
  };
  const { out } = await run({ positives: 'reasoned', reasoner: { reasoner, name: 'strong' } }, [path]);
  expect((await allRows(out)).map(({ id }) => id)).toEqual(['recite/two']);
  expect(droppedIn(out, 'reason')).toMatchObject([{ id: 'recite/one', reason: 'shares a run of words' }]);
});

it('own files may number their questions alike', async () => {
  const files = ['one', 'two'].map((name) => join(folder, `${name}.jsonl`));
  for (const path of files)
    writeFileSync(path, JSON.stringify({ id: 1, question: `Which is ${path}?`, answers: ['This one.'] }));
  const { out } = await run({}, files);
  expect((await allRows(out)).map(({ id }) => id).sort()).toEqual(['one/1', 'two/1']);
});

describe('what cannot be is said at once', () => {
  it.each<[string, readonly string[], Partial<CurateOptions>, string]>([
    ['nothing there', ['nowhere/at/all'], {}, 'no such file or folder'],
    [
      'an unknown file',
      [join(benchmark, 'qrels', 'train.tsv')],
      {},
      'it cannot be told from its name what it holds',
    ],
    ['sites that do not fit', [dump], { sites: ['a.b', 'c.d'] }, '2 sites for 1 dumps'],
    ['a site that is no host', [dump], { sites: ['<b>'] }, 'is no host'],
    ['reasoned positives without a reasoner', [dump], { positives: 'reasoned' }, 'needs a reasoner'],
    ['shares over 1', [dump], { shares: { test: 0.7, validation: 0.6 } }, 'together at most 1'],
    ['a similarity that is too low', [dump], { similarity: 0.3 }, 'from 0.5'],
    ['a language that is none', [dump], { filter: { language: 'English' } }, 'is no language'],
    ['a benchmark that is not there', [dump], { against: ['beir:nowhere'] }, 'no such folder'],
    [
      'no question that is left',
      [dump],
      { filter: { leastCharacters: 15_000 } },
      'no question is left after the stage filter',
    ],
  ])('%s', async (_, sources, options, message) => {
    await expect(run(options, sources)).rejects.toThrow(message);
  });

  it('BRIGHT that is not there is a warning, and stands in the card', async () => {
    const { out, warnings } = await run({ against: [], data: join(folder, 'no-data') });
    expect(warnings.map(({ message }) => message)).toContain(
      'BRIGHT is not here, so the data is not held against it',
    );
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toContain('BRIGHT was not at hand');
  });
});
