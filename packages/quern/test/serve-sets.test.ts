/** The routes of sets, over a service with sets that are curated on the spot. */
import {
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuestionPage } from '../src/serve/sets/question-page.ts';
import { Sets, type ListedSet, type SetAnswer, type SetEntry } from '../src/serve/sets/sets.ts';
import { curatedSet } from './curated-set.ts';
import { variedBody } from './dump-file.ts';
import { startService, type ServiceUnderTest } from './running-service.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = realpathSync(temporaryFolder());
const sets = join(root, 'sets');
const benchmark = join(root, 'benchmark');
let service: ServiceUnderTest;

beforeAll(async () => {
  mkdirSync(join(benchmark, 'qrels'), { recursive: true });
  writeFileSync(
    join(benchmark, 'queries.jsonl'),
    `${JSON.stringify({ _id: 'b1', text: /I looked at .*\./.exec(variedBody(105))![0] })}\n`,
  );
  writeFileSync(join(benchmark, 'corpus.jsonl'), '');
  writeFileSync(join(benchmark, 'qrels', 'train.tsv'), 'query-id\tcorpus-id\tscore\n');
  await curatedSet(join(root, 'dumps'), join(sets, 'guarded'), {
    against: [`beir:${benchmark}`],
    seed: 7,
  });
  await curatedSet(join(root, 'dumps'), join(sets, 'more', 'free'), { perDomain: 20 });
  service = await startService(root, { sets: ['./sets'] });
});
afterAll(() => service?.close());

async function listed(): Promise<readonly SetEntry[]> {
  const { status, body } = await service.ask<{ sets: SetEntry[]; isCut: boolean }>('/v1/sets');
  expect([status, body.isCut]).toEqual([200, false]);
  return body.sets;
}

async function idOf(name: string): Promise<string> {
  const found = (await listed()).find((set) => set.name === name);
  if (found === undefined) throw new Error(`there is no set ${name}`);
  return found.id;
}

async function questionsOf(name: string, query = ''): Promise<QuestionPage> {
  const { status, body, text } = await service.ask<QuestionPage>(
    `/v1/sets/${await idOf(name)}/questions?${query}`,
  );
  expect([status, text]).toEqual([200, text]);
  return body;
}

/** A copy of a set, in which something is changed, as long as `check` takes. */
async function changed(
  change: (folder: string) => void,
  check: (id: string, entry: SetEntry) => Promise<void>,
): Promise<void> {
  const folder = join(sets, 'changed');
  cpSync(join(sets, 'guarded'), folder, { recursive: true });
  try {
    change(folder);
    const all = await listed();
    const entry = all.find(({ name }) => name === 'changed')!;
    expect(all.filter(({ name }) => name !== 'changed').every((each) => !('problem' in each))).toBe(true);
    await check(entry.id, entry);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('GET /v1/sets', () => {
  it('lists the sets, with what they hold', async () => {
    const all = (await listed()) as ListedSet[];
    expect(all.map(({ name }) => name)).toEqual(['guarded', 'free']);
    const [guarded, free] = all;
    const { train, validation, test } = guarded!.splits;
    expect(guarded).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      questions: train + validation + test,
      read: 66,
      domains: ['kettles', 'odd'],
      domainCount: 2,
    });
    expect(free).toMatchObject({ questions: 22, positives: 42 });
    expect(guarded!.written).toBeCloseTo(statSync(join(sets, 'guarded', 'dataset.json')).mtimeMs, -2);
  });

  it('follows no link, and forgets what is gone', async () => {
    const elsewhere = join(root, 'elsewhere');
    renameSync(join(sets, 'more', 'free'), elsewhere);
    symlinkSync(elsewhere, join(sets, 'link'));
    expect((await listed()).map(({ name }) => name)).toEqual(['guarded']);
    rmSync(join(sets, 'link'));
    renameSync(elsewhere, join(sets, 'more', 'free'));
    expect((await listed()).map(({ name }) => name)).toEqual(['guarded', 'free']);
  });
});

describe('GET /v1/sets/:id', () => {
  it('tells the record and the command, and no folder', async () => {
    const { status, body, text } = await service.ask<SetAnswer>(`/v1/sets/${await idOf('guarded')}`);
    expect(status).toBe(200);
    expect(text).not.toContain(root);
    expect(body.record.stages.map(({ stage }) => stage)).toEqual([
      'parse',
      'text',
      'filter',
      'duplicates',
      'decontaminate',
      'positives',
      'sample',
      'split',
    ]);
    expect(body.record.stages[2]!.dropped).toEqual({ 'shows an image': 2, 'negative score': 1 });
    expect(body.record.against).toEqual([{ collection: 'beir:benchmark', texts: 1 }]);
    expect(body.record.stages[4]!.questionsIn - body.record.stages[4]!.questionsOut).toBe(1);
    expect(body.record.domains.map(({ domain, read }) => [domain, read])).toEqual([
      ['kettles', 64],
      ['odd', 2],
    ]);
    const lengths = body.record.histograms!.question;
    expect(lengths.counts.reduce((sum, each) => sum + each, 0)).toBe(body.questions);
    expect(lengths.edges.at(-1)).toBeNull();
    expect(body.command).toBe(
      'quern curate kettles.stackexchange.com odd.stackexchange.com --out guarded --site kettles.stackexchange.com --site odd.stackexchange.com --against beir:benchmark --seed 7',
    );
  });

  it('a set of an earlier version has no lengths', () =>
    changed(
      (folder) => {
        const path = join(folder, 'dataset.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace(/,\n {2}"histograms": .*\n\}\n$/, '\n}\n'));
      },
      async (id) => {
        const { status, body } = await service.ask<SetAnswer>(`/v1/sets/${id}`);
        expect([status, body.record.histograms]).toEqual([200, undefined]);
      },
    ));
});

describe('GET /v1/sets/:id/questions', () => {
  it('goes through a split page by page', async () => {
    const all: number[] = [];
    const ids = new Set<string>();
    let from: number | null = 0;
    while (from !== null) {
      const page: QuestionPage = await questionsOf('guarded', `from=${from}&limit=20`);
      all.push(...page.questions.map(({ row }) => row));
      for (const { id } of page.questions) ids.add(id);
      expect(page.total).toBeGreaterThan(40);
      from = page.next;
    }
    expect(all).toEqual(all.map((_, i) => i));
    expect(ids.size).toBe(all.length);
  });

  it('tells texts as they are, the best positive first', async () => {
    const { questions } = await questionsOf('guarded', 'q=kettle%20150%20sing');
    expect(questions).toHaveLength(1);
    expect(questions[0]).toMatchObject({
      id: 'kettles.stackexchange.com/150',
      domain: 'kettles',
      url: 'https://kettles.stackexchange.com/questions/150',
      question: { text: expect.stringContaining('Why does kettle 150 sing?\n\nMy ') as string, isCut: false },
      positives: [
        { text: 'Descale it: number 150 will be quiet for some weeks.', isCut: false },
        { text: 'Kettle 150 sings because of bubbles that collapse.', isCut: false },
      ],
      morePositives: 0,
    });
  });

  it('finds by domain, and by what a text holds in any case', async () => {
    const odd = [];
    for (const split of ['train', 'validation', 'test']) {
      odd.push(...(await questionsOf('guarded', `split=${split}&domain=odd`)).questions);
    }
    expect(odd.map(({ id }) => id).sort()).toEqual(['odd.stackexchange.com/1', 'odd.stackexchange.com/2']);
    const long = odd.find(({ id }) => id.endsWith('/2'))!;
    expect([long.question.isCut, long.question.text.length]).toEqual([true, 8000]);
    const found = await questionsOf('guarded', 'q=ONERROR');
    const none = await questionsOf('guarded', 'q=.*');
    expect([found.questions.map(({ id }) => id), none.questions, none.next, none.looked]).toEqual([
      odd.filter(({ id }) => id.endsWith('/1')).map(({ id }) => id),
      [],
      null,
      none.total,
    ]);
    expect((await questionsOf('guarded', 'domain=none')).questions).toEqual([]);
  });

  it.each([
    ['split=all', 'split'],
    ['split=../train', 'split'],
    ['from=-1', 'from'],
    ['limit=21', 'limit'],
    ['limit=0', 'limit'],
    ['q=a&q=b', 'q'],
    [`domain=${'x'.repeat(201)}`, 'domain'],
  ])('refuses %s', async (query, where) => {
    const { status, body } = await service.ask(`/v1/sets/${await idOf('guarded')}/questions?${query}`);
    expect([status, body]).toMatchObject([400, { error: { code: 'BAD_INPUT', where } }]);
  });

  it.each(['/v1/sets/none', '/v1/sets/none/questions', '/v1/sets/..%2F..%2Fetc/questions'])(
    'knows nothing of %s',
    async (path) => {
      expect(await service.ask(path)).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
    },
  );
});

describe('a damaged set', () => {
  const damages: [string, (path: string) => void][] = [
    ['cut off', (path) => truncateSync(path, statSync(path).size - 40)],
    ['empty', (path) => truncateSync(path, 0)],
    ['no JSON', (path) => writeFileSync(path, '{"name": ')],
    ['of somebody else', (path) => writeFileSync(path, '{"posts": [], "name": "other"}')],
    ['too large', (path) => truncateSync(path, 40 << 20)],
    [
      'of wrong types',
      (path) =>
        writeFileSync(path, readFileSync(path, 'utf8').replace('"questionsIn": 66', '"questionsIn": "66"')),
    ],
  ];
  it.each(damages)('whose record is %s is a problem of its own', (_, damage) =>
    changed(
      (folder) => damage(join(folder, 'dataset.json')),
      async (id, entry) => {
        expect(entry).toEqual({ id, name: 'changed', problem: expect.any(String) });
        const answer = await service.ask(`/v1/sets/${id}`);
        expect(answer).toMatchObject({ status: 503, body: { error: { code: 'UNAVAILABLE' } } });
        expect(answer.text).not.toContain(root);
      },
    ),
  );

  const files: [string, number, (path: string) => void][] = [
    ['cut off', 503, (path) => truncateSync(path, 500)],
    ['empty', 503, (path) => truncateSync(path, 0)],
    ['gone', 404, (path) => rmSync(path)],
    [
      'a link',
      404,
      (path) => {
        renameSync(path, join(root, 'linked.parquet'));
        symlinkSync(join(root, 'linked.parquet'), path);
      },
    ],
    [
      'full of zeros',
      503,
      (path) => {
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0, 100, 2000));
      },
    ],
    [
      'without a column',
      503,
      (path) =>
        writeFileSync(
          path,
          Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'id', data: ['a'], type: 'STRING' }] })),
        ),
    ],
    [
      'with a footer larger than is read',
      503,
      (path) => {
        const bytes = readFileSync(path);
        bytes.writeUInt32LE(0x7f_ff_ff_ff, bytes.length - 8);
        writeFileSync(path, bytes);
      },
    ],
  ];
  it.each(files)('whose questions are %s is still told of otherwise', (_, expected, damage) =>
    changed(
      (folder) => damage(join(folder, 'train.parquet')),
      async (id, entry) => {
        expect(entry).not.toHaveProperty('problem');
        expect((await service.ask(`/v1/sets/${id}`)).status).toBe(200);
        const { status, text } = await service.ask(`/v1/sets/${id}/questions`);
        expect([status, text]).toEqual([expected, text]);
        expect(text).not.toContain(root);
        expect((await service.ask(`/v1/sets/${id}/questions?split=test`)).status).toBe(200);
      },
    ),
  );

  it('rows that are none are counted', () =>
    changed(
      (folder) =>
        writeFileSync(
          join(folder, 'train.parquet'),
          Buffer.from(
            parquetWriteBuffer({
              columnData: [
                { name: 'id', data: ['a', null], type: 'STRING' },
                { name: 'domain', data: ['d', 'd'], type: 'STRING' },
                { name: 'question', data: ['why?', 'how?'], type: 'STRING' },
                { name: 'positives', data: [['so'], ['thus']], type: 'JSON' },
              ],
            }),
          ),
        ),
      async (id) => {
        const { body } = await service.ask<QuestionPage>(`/v1/sets/${id}/questions`);
        expect(body).toMatchObject({ total: 2, unreadable: 1, questions: [{ id: 'a', url: null }] });
      },
    ));
});

it('questions are read for one request, while 16 wait; more are refused', async () => {
  const known = new Sets([sets]);
  const { id } = (await known.list()).sets[0]!;
  const asked = { split: 'train', from: 0, limit: 1 } as const;
  const answers = await Promise.allSettled(Array.from({ length: 40 }, () => known.questions(id, asked)));
  const refused = answers.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  expect(refused).toHaveLength(23);
  expect(refused).toEqual(Array.from({ length: 23 }, () => expect.objectContaining({ code: 'OVERLOADED' })));
});
