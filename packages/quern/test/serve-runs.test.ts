/** The routes of runs, over an application with evaluations that `quern eval --save` wrote and trainings written by hand. */
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { savedEvaluationSchema } from '../src/evaluate/saved-evaluation.ts';
import { readServiceConfig } from '../src/serve/configuration/read-service-config.ts';
import { serviceApplication } from '../src/serve/http/application.ts';
import { runRoutes } from '../src/serve/http/routes/run-routes.ts';
import { UnderWay } from '../src/serve/http/under-way.ts';
import { serviceMetrics } from '../src/serve/metrics.ts';
import { Runs } from '../src/serve/runs/runs.ts';
import { serve } from '../src/serve/serve.ts';
import { openService } from '../src/serve/service/service.ts';
import { Warnings } from '../src/warnings.ts';
import { sampleFolder } from './beir-collection.ts';
import { quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = realpathSync(temporaryFolder());
const runs = join(root, 'runs');
const token = 'a-token-of-no-value-0123456789';
const closing: (() => Promise<void>)[] = [];
let application: FastifyInstance;
let ids: ReadonlyMap<string, string>;

interface Listed {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly problem?: string;
}

beforeAll(async () => {
  const sample = `beir:${sampleFolder}`;
  mkdirSync(runs);
  await quernJson(['eval', sample, '--reasoner', 'none', '--reasoner', 'rm3', '--save', 'runs/sample'], {
    cwd: root,
  });
  const reasoned = `file:${join(sampleFolder, 'reasoned.json')}`;
  await quernJson(['eval', sample, '--reasoner', reasoned, '--save', 'runs/reasoned'], { cwd: root });
  writeTraining('training');
  application = await opened();
  const { runs: all } = (await asked('/v1/runs')).body as { runs: Listed[] };
  ids = new Map(all.map(({ name, id }) => [name, id]));
});
afterAll(async () => {
  for (const close of closing) await close();
});

function writeTraining(name: string): void {
  const folder = join(runs, name);
  mkdirSync(join(folder, 'samples'), { recursive: true });
  writeFileSync(join(folder, 'config.yaml'), 'method: grpo\nseed: 42\n');
  writeFileSync(join(folder, 'metrics.jsonl'), '{"kind":"train","step":1,"reward":0.5}\n');
  const sampled = { question: 'why?', completions: [{ text: '<b>' }] };
  writeFileSync(join(folder, 'samples', 'step-10.jsonl'), JSON.stringify(sampled));
  const validated = { ...sampled, question: 'validated?' };
  writeFileSync(join(folder, 'samples', 'validation-0.jsonl'), JSON.stringify(validated));
}

const nothing = (): void => undefined;
const observer = { stage: nothing, reasoned: nothing, gate: nothing, found: nothing, failed: nothing };

async function opened(): Promise<FastifyInstance> {
  const config = await readServiceConfig({
    env: { QUERN_TOKEN: token },
    settings: [
      { path: ['runs'], value: [runs], where: 'runs' },
      { path: ['log', 'level'], value: 'silent', where: 'log' },
    ],
  });
  const service = await openService(config, { warnings: new Warnings(), observer });
  const made = await serviceApplication(service, {
    metrics: await serviceMetrics(),
    underWay: new UnderWay(100),
    routes: runRoutes(new Runs(config.runs)),
  });
  closing.push(
    () => service.close(),
    async () => {
      await made.close();
    },
  );
  return made;
}

async function asked(
  url: string,
  headers: Record<string, string> = { authorization: `Bearer ${token}` },
): Promise<{ status: number; body: unknown; text: string; headers: Record<string, unknown> }> {
  const response = await application.inject({ url, headers: { host: 'localhost:1', ...headers } });
  const { statusCode: status, body: text, headers: answered } = response;
  const isJson = String(answered['content-type']).startsWith('application/json');
  return { status, body: isJson ? response.json() : undefined, text, headers: answered };
}

/** The path of something of a run that is given by its name. */
function of(name: string, rest = ''): string {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`${name} is not among ${[...ids.keys()].join(', ')}`);
  return `/v1/runs/${id}${rest}`;
}

const reasonedName = 'reasoned';

describe('GET /v1/runs', () => {
  it('lists trainings and evaluations, and those of one kind', async () => {
    const { status, body, text } = await asked('/v1/runs');
    const { runs: all, isCut } = body as { runs: Listed[]; isCut: boolean };
    expect([status, isCut]).toEqual([200, false]);
    expect(all.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'evaluation reasoned',
      'evaluation none',
      'evaluation rm3',
      'training training',
    ]);
    expect(all[0]).toMatchObject({
      run: 'bm25+reasoned.json',
      reasoner: 'file:reasoned.json',
      collection: 'beir:collection',
      queries: 30,
      measures: { 'ndcg@10': expect.closeTo(0.935, 3) },
    });
    expect(all[3]).toMatchObject({
      hasSamples: true,
      summary: [
        ['method', 'grpo'],
        ['seed', '42'],
      ],
    });
    expect(new Set(all.map(({ id }) => id)).size).toBe(4);
    expect(text).not.toContain(root);
    expect(text).not.toContain(sampleFolder);
    const trainings = (await asked('/v1/runs?kind=training')).body as { runs: Listed[] };
    expect(trainings.runs).toEqual(all.slice(3));
    expect((await asked(of('rm3'))).body).toEqual(all[2]);
  });

  it('finds runs that come and forgets those that go, under the same ids', async () => {
    writeTraining('passing');
    const before = (await asked('/v1/runs?kind=training')).body as { runs: Listed[] };
    expect(before.runs.map(({ name }) => name)).toEqual(['passing', 'training']);
    const { id } = before.runs[0];
    expect((await asked(`/v1/runs/${id}/samples`)).body).toEqual({ steps: [10], validated: [0] });
    rmSync(join(runs, 'passing'), { recursive: true });
    expect((await asked(`/v1/runs/${id}/samples/10`)).status).toBe(404);
    const after = (await asked('/v1/runs?kind=training')).body as { runs: Listed[] };
    expect(after.runs.map((run) => run.id)).toEqual([ids.get('training')]);
  });

  it('is a route of the service that quern serve starts', async () => {
    const config = await readServiceConfig({
      env: {},
      settings: [
        { path: ['runs'], value: [runs], where: 'runs' },
        { path: ['listen', 'port'], value: 0, where: 'port' },
        { path: ['log', 'level'], value: 'silent', where: 'log' },
      ],
    });
    const running = await serve(config, { env: {} });
    closing.push(() => running.close());
    const answer = (await (await fetch(`${running.url}/v1/runs`)).json()) as { runs: Listed[] };
    expect(answer.runs.map(({ id }) => id)).toEqual([...ids.values()]);
  });

  it('asks for a token, and refuses other kinds', async () => {
    expect((await asked('/v1/runs', {})).status).toBe(401);
    expect((await asked(of('rm3', '/run.trec'), {})).status).toBe(401);
    expect(await asked('/v1/runs?kind=other')).toMatchObject({
      status: 400,
      body: { error: { code: 'BAD_INPUT', where: 'kind' } },
    });
  });
});

describe('a run of training', () => {
  it('tells its metrics as they grow, and nothing of a line that is being written', async () => {
    const file = join(runs, 'training', 'metrics.jsonl');
    const first = (await asked(of('training', '/metrics'))).body as { after: string };
    expect(first).toMatchObject({ isStart: true, lines: [{ step: 1, values: { reward: 0.5 } }] });
    appendFileSync(file, '{"kind":"train","step":2,"rew');
    const during = (await asked(of('training', `/metrics?after=${first.after}`))).body as { after: string };
    expect(during).toMatchObject({ isStart: false, lines: [], unreadable: 0 });
    appendFileSync(file, 'ard":0.75}\n{"kind"');
    const next = await asked(of('training', `/metrics?after=${during.after}`));
    expect(next.body).toMatchObject({ isStart: false, lines: [{ step: 2, values: { reward: 0.75 } }] });
    rmSync(file);
    const gone = await asked(of('training', `/metrics?after=${during.after}`));
    expect([gone.status, gone.body]).toMatchObject([200, { isStart: true, lines: [] }]);
  });

  it('tells its samples', async () => {
    expect((await asked(of('training', '/samples'))).body).toEqual({ steps: [10], validated: [0] });
    expect((await asked(of('training', '/samples/10'))).body).toEqual({
      questions: [{ question: 'why?', completions: [{ text: '<b>' }] }],
      isCut: false,
      unreadable: 0,
    });
    expect((await asked(of('training', '/samples/11'))).status).toBe(404);
    expect((await asked(of('training', '/samples/0?of=validation'))).body).toMatchObject({
      questions: [{ question: 'validated?' }],
    });
    expect((await asked(of('training', '/samples/0'))).status).toBe(404);
    expect((await asked(of('training', '/samples/10?of=validation'))).status).toBe(404);
    expect(await asked(of('training', '/samples/10?of=..'))).toMatchObject({
      status: 400,
      body: { error: { where: 'of', message: 'of must be step or validation' } },
    });
  });

  it('has no topics, as an evaluation has no metrics', async () => {
    for (const path of [of('training', '/topics'), of('training', '/topics/x'), of('rm3', '/metrics')])
      expect(await asked(path)).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
  });
});

describe('a saved evaluation', () => {
  it('tells the measures of its topics, in parts where that is asked', async () => {
    const saved = savedEvaluationSchema.parse(
      JSON.parse(readFileSync(join(runs, 'sample/rm3/evaluation.json'), 'utf8')),
    );
    const { created } = saved;
    expect((await asked(of('rm3', '/topics'))).body).toEqual({ created, total: 30, topics: saved.topics });
    expect((await asked(of('rm3', '/topics?from=28&limit=5'))).body).toEqual({
      created,
      total: 30,
      topics: saved.topics.slice(28),
    });
    expect((await asked(of('rm3', '/topics?limit=0'))).status).toBe(400);
    expect((await asked(of('rm3', '/topics?from=1&from=2'))).status).toBe(400);
  });

  it('tells the text of a topic, what was reasoned, and the ranking with what is judged', async () => {
    const recorded = JSON.parse(readFileSync(join(sampleFolder, 'reasoned.json'), 'utf8')) as Record<
      string,
      string
    >;
    const { body } = await asked(of(reasonedName, '/topics/grey-mushrooms?k=3'));
    const topic = body as { text: string; ranking: { id: string; rank: number }[]; retrieved: number };
    const lines = readFileSync(join(runs, 'reasoned/run.trec'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('grey-mushrooms '));
    expect(topic).toMatchObject({
      id: 'grey-mushrooms',
      measures: { 'ndcg@10': expect.any(Number) },
      reasoned: { text: recorded[topic.text], reasoner: 'file:reasoned.json', finish: 'stop' },
      retrieved: lines.length,
      unreadable: 0,
    });
    expect(topic.ranking.map(({ id, rank }) => `${id} ${rank}`)).toEqual(
      lines.slice(0, 3).map((line) => line.split(' ').slice(2, 4).join(' ')),
    );
    expect(topic.ranking[0]).toMatchObject({ id: 'kitchen/maillard-browning', level: 2 });
    expect(body).toMatchObject({ relevant: [{ id: 'kitchen/maillard-browning', level: 2, rank: 1 }, {}] });
    const whole = (await asked(of(reasonedName, '/topics/grey-mushrooms?k=1000'))).body as typeof topic;
    expect(whole.ranking).toHaveLength(lines.length);
    const other = (await asked(of('rm3', '/topics/grey-mushrooms'))).body;
    expect(other).toMatchObject({
      text: topic.text,
      reasoned: { weights: { mushroom: expect.any(Number) } },
    });
  });

  it('gives its run away as it was saved', async () => {
    const { status, text, headers } = await asked(of('rm3', '/run.trec'));
    expect([status, text]).toEqual([200, readFileSync(join(runs, 'sample/rm3/run.trec'), 'utf8')]);
    expect(headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="rm3.trec"',
      'x-content-type-options': 'nosniff',
    });
  });

  it('can be replaced while it is served', async () => {
    const before = (await asked(of('none', '/topics/grey-mushrooms'))).body as { retrieved: number };
    const folder = join(runs, 'sample/none');
    const other = join(root, 'other');
    cpSync(folder, other, { recursive: true });
    const lines = readFileSync(join(other, 'run.trec'), 'utf8').split('\n');
    const first = lines.findIndex((line) => line.startsWith('grey-mushrooms '));
    // The topics lie elsewhere in it, too.
    writeFileSync(join(other, 'run.trec'), lines.toSpliced(first, 1).toReversed().join('\n'));
    renameSync(folder, join(root, 'old'));
    renameSync(other, folder);
    const after = await asked(of('none', '/topics/grey-mushrooms'));
    expect(after.body).toMatchObject({ retrieved: before.retrieved - 1 });
  });
});

describe('paths', () => {
  it('cannot be asked for', async () => {
    writeFileSync(join(root, 'evaluation.json'), readFileSync(join(runs, 'reasoned/evaluation.json')));
    const paths = [
      '/v1/runs/..',
      '/v1/runs/..%2f..',
      '/v1/runs/..%2frm3/topics',
      '/v1/runs/rm3',
      '/v1/runs/__proto__',
      `/v1/runs/${encodeURIComponent(join(runs, 'reasoned'))}`,
      '/v1/runs/%00',
      of('rm3', '/topics/..%2f..%2fnone'),
      of('rm3', '/topics/evaluation.json'),
      of('rm3', '/topics/__proto__'),
      of('rm3', '/../none/topics'),
      of('rm3', '/evaluation.json'),
      of('rm3', '/qrels.txt'),
      of('training', '/samples/..%2f..%2fconfig.yaml'),
      of('training', '/samples/10.jsonl'),
      of('training', '/samples/1e1'),
    ];
    const statuses = await Promise.all(paths.map(async (path) => (await asked(path)).status));
    expect(paths.map((path, i) => [path, statuses[i]])).toEqual(paths.map((path) => [path, 404]));
  });

  it('lead nowhere by links, neither of folders nor of files', async () => {
    const linked = join(runs, 'linked');
    cpSync(join(runs, 'reasoned'), linked, { recursive: true });
    symlinkSync(join(runs, 'reasoned'), join(runs, 'link'));
    const { runs: all } = (await asked('/v1/runs')).body as { runs: Listed[] };
    expect(all.map(({ name }) => name)).not.toContain('link');
    const { id } = all.find(({ name }) => name === 'linked')!;
    for (const name of ['run.trec', 'qrels.txt', 'topics.jsonl', 'evaluation.json']) {
      rmSync(join(linked, name));
      symlinkSync(join(runs, 'reasoned', name), join(linked, name));
      const statuses = await Promise.all(
        ['/run.trec', '/topics/grey-mushrooms'].map(
          async (path) => (await asked(`/v1/runs/${id}${path}`)).status,
        ),
      );
      expect(statuses).toEqual([404, 404]);
    }
    rmSync(linked, { recursive: true });
    rmSync(join(runs, 'link'));
  });
});

describe('damaged files', () => {
  const damages: readonly (readonly [what: string, file: string, damage: (path: string) => void])[] = [
    ['a record that is cut', 'evaluation.json', (path) => truncateSync(path, 1000)],
    ['a record that is empty', 'evaluation.json', (path) => truncateSync(path, 0)],
    ['a record of another form', 'evaluation.json', (path) => writeFileSync(path, '{"topics": 3}')],
    ['a record that is null', 'evaluation.json', (path) => writeFileSync(path, 'null')],
    [
      'a record of a later version',
      'evaluation.json',
      (path) => writeFileSync(path, '{"format": "quern evaluation", "version": 2}'),
    ],
    ['a record that is too large', 'evaluation.json', (path) => truncateSync(path, (16 << 20) + 1)],
  ];
  it.each(damages)('%s is a problem of the run alone', async (_, file, damage) => {
    const folder = join(runs, 'damaged');
    cpSync(join(runs, 'reasoned'), folder, { recursive: true });
    damage(join(folder, file));
    const { status, body } = await asked('/v1/runs');
    const { runs: all } = body as { runs: Listed[] };
    expect([status, all.length]).toEqual([200, ids.size + 1]);
    const run = all.find(({ name }) => name === 'damaged')!;
    expect(run).toEqual({ id: run.id, kind: 'evaluation', name: 'damaged', problem: expect.any(String) });
    expect(all.filter(({ problem }) => problem !== undefined)).toEqual([run]);
    for (const path of ['/topics', '/topics/grey-mushrooms']) {
      const answer = await asked(`/v1/runs/${run.id}${path}`);
      expect(answer).toMatchObject({ status: 503, body: { error: { code: 'UNAVAILABLE' } } });
      expect(answer.text).not.toContain(root);
    }
    rmSync(folder, { recursive: true });
  });

  it('topics that are none are a problem of the routes that tell them', async () => {
    const folder = join(runs, 'topics');
    cpSync(join(runs, 'reasoned'), folder, { recursive: true });
    const path = join(folder, 'evaluation.json');
    const saved = JSON.parse(readFileSync(path, 'utf8')) as { topics: unknown[] };
    writeFileSync(path, JSON.stringify({ ...saved, topics: [null, { id: 'odd' }, ...saved.topics] }));
    const { runs: all } = (await asked('/v1/runs')).body as { runs: Listed[] };
    const { id, problem } = all.find(({ name }) => name === 'topics')!;
    expect(problem).toBeUndefined();
    const paths = ['/topics', '/topics/odd', '/topics?from=2', '/topics/grey-mushrooms', '/topics/none'];
    const statuses = await Promise.all(
      paths.map(async (each) => (await asked(`/v1/runs/${id}${each}`)).status),
    );
    expect(statuses).toEqual([503, 503, 200, 200, 404]);
    rmSync(folder, { recursive: true });
  });

  it('lines that cannot be read are counted, and the others told', async () => {
    const folder = join(runs, 'lines');
    cpSync(join(runs, 'reasoned'), folder, { recursive: true });
    appendFileSync(join(folder, 'run.trec'), 'grey-mushrooms Q0 d\ngrey-mushrooms Q0 d 1 NaN tag\n\0\n');
    appendFileSync(join(folder, 'qrels.txt'), 'grey-mushrooms 0 d high\n');
    truncateSync(join(folder, 'topics.jsonl'), 20);
    const { runs: all } = (await asked('/v1/runs')).body as { runs: Listed[] };
    const { id } = all.find(({ name }) => name === 'lines')!;
    const { status, body } = await asked(`/v1/runs/${id}/topics/grey-mushrooms`);
    expect([status, body]).toMatchObject([200, { id: 'grey-mushrooms', unreadable: 3 }]);
    expect(body).not.toHaveProperty('text');
    const same = (await asked(of(reasonedName, '/topics/grey-mushrooms'))).body as { ranking: unknown };
    expect(body).toMatchObject({ ranking: same.ranking });
    rmSync(folder, { recursive: true });
  });

  it('files that are gone are not found', async () => {
    const folder = join(runs, 'gone');
    cpSync(join(runs, 'reasoned'), folder, { recursive: true });
    const { runs: all } = (await asked('/v1/runs')).body as { runs: Listed[] };
    const { id } = all.find(({ name }) => name === 'gone')!;
    rmSync(join(folder, 'run.trec'));
    for (const path of ['/run.trec', '/topics/grey-mushrooms'])
      expect((await asked(`/v1/runs/${id}${path}`)).status).toBe(404);
    expect((await asked(`/v1/runs/${id}/topics`)).status).toBe(200);
    rmSync(folder, { recursive: true });
    expect((await asked(`/v1/runs/${id}/topics`)).status).toBe(404);
  });
});
