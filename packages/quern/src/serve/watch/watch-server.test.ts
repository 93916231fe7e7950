import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import type { Listening } from '../../reward/server/listening.ts';
import { runNames } from '../../train/watch/watched-run.ts';
import type { TrainingEntry } from '../runs/run-entry.ts';
import { watchApplication, watchRuns } from './watch-server.ts';

const root = realpathSync(temporaryFolder());

function writeRun(name: string, files: Readonly<Record<string, string>> = {}): string {
  const folder = join(root, name);
  mkdirSync(join(folder, 'samples'), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

const sample = { step: 10, question: 'why?', completions: [{ text: '<b>', reward: 1, parts: { gain: 1 } }] };
const metrics = '{"kind":"train","step":1,"reward":0.5}\n';
const run = writeRun('a/run', {
  'metrics.jsonl': metrics,
  'state.json': JSON.stringify({
    status: 'running',
    step: 1,
    max_steps: 9,
    pid: process.pid,
    best: { step: 1, metric: 'reward', value: 2 },
  }),
  'config.yaml':
    'method: grpo\nreward: https://user:secret@host:1/score?key=secret\nsecret_thing: secret\nseed: 42\n',
  'samples/step-10.jsonl': `${JSON.stringify(sample)}\n{"question": 1}\n{"ques`,
  'samples/step-2.jsonl': '',
  'samples/step-x.jsonl': '',
});
writeFileSync(join(root, 'a', 'secret.jsonl'), metrics);

const servers: Listening[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** The path of the first of the runs that a server has. */
async function firstRun(application: FastifyInstance): Promise<string> {
  const { runs } = (await application.inject('/v1/runs')).json<{ runs: TrainingEntry[] }>();
  return `/v1/runs/${runs[0]!.id}`;
}

/** The status and the JSON that a route answers with; RUN stands for the path of the run. */
async function asked(of: string, headers: Record<string, string> = {}): Promise<[number, unknown]> {
  const application = await watchApplication([run]);
  const path = of.replace('RUN', of.includes('RUN') ? await firstRun(application) : '');
  const response = await application.inject({ url: path, headers: { host: 'localhost:1', ...headers } });
  await application.close();
  return [response.statusCode, response.json()];
}

/** The status of a path that is sent as it stands: clients of a higher kind would resolve it. */
function statusOf(url: string, path: string): Promise<number> {
  const { port } = new URL(url);
  return new Promise((done, failed) => {
    request({ port, host: '127.0.0.1', path }, (response) => {
      response.resume();
      done(response.statusCode!);
    })
      .on('error', failed)
      .end();
  });
}

describe('the server of runs', () => {
  it('lists runs with their state, and with what of their configuration tells them apart', async () => {
    const [status, body] = await asked('/v1/runs');
    expect(status).toBe(200);
    expect((body as { runs: TrainingEntry[] }).runs).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{16,}$/),
        kind: 'training',
        name: 'run',
        state: {
          status: 'running',
          step: 1,
          max_steps: 9,
          best: { step: 1, metric: 'reward', value: 2 },
        },
        isAlive: true,
        written: expect.any(Number),
        hasSamples: true,
        summary: [
          ['method', 'grpo'],
          ['reward', 'https://host:1/score'],
          ['seed', '42'],
        ],
      },
    ]);
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('answers for a run that has written no more than its configuration, or what cannot be read', async () => {
    const empty = writeRun('empty', { 'config.yaml': '' });
    const odd = writeRun('odd', { 'state.json': '{"status": "run', 'config.yaml': '{{{' });
    const gone = writeRun('gone', {
      'state.json': '{"status": "running", "step": 1, "max_steps": 2, "pid": 4194303}',
    });
    const application = await watchApplication([empty, odd, gone]);
    const { runs } = (await application.inject('/v1/runs')).json<{ runs: object[] }>();
    expect(runs).toMatchObject([
      { name: 'empty' },
      { name: 'odd' },
      { name: 'gone', state: { status: 'running' }, isAlive: false },
    ]);
    expect(runs.filter((each) => 'state' in each)).toHaveLength(1);
    const samples = await application.inject(`${await firstRun(application)}/samples`);
    expect(samples.json()).toEqual({ steps: [], validated: [] });
    await application.close();
  });

  it('answers with metrics, and with what came after', async () => {
    const application = await watchApplication([run]);
    const path = await firstRun(application);
    const first = (await application.inject(`${path}/metrics`)).json<{
      after: string;
      lines: unknown[];
    }>();
    expect(first.lines).toEqual([{ kind: 'train', step: 1, values: { reward: 0.5 } }]);
    const next = await application.inject(`${path}/metrics?after=${first.after}`);
    expect(next.json()).toMatchObject({ lines: [], isStart: false });
    expect((await application.inject(`${path}/metrics?after=1&after=2`)).statusCode).toBe(200);
    await application.close();
  });

  it('answers with samples, whose texts are as they are, and counts lines that cannot be read', async () => {
    expect(await asked('RUN/samples')).toEqual([200, { steps: [2, 10], validated: [] }]);
    const { step: _, ...question } = sample;
    expect(await asked('RUN/samples/10')).toEqual([
      200,
      { questions: [question], isCut: false, unreadable: 2 },
    ]);
  });

  it('knows no runs but those that it was given, and no paths', async () => {
    const server = await watchRuns([run]);
    servers.push(server);
    symlinkSync(join(root, 'a', 'secret.jsonl'), join(run, 'samples', 'step-7.jsonl'));
    const { runs } = (await (await fetch(`${server.url}/v1/runs`)).json()) as { runs: TrainingEntry[] };
    const own = `/v1/runs/${runs[0]!.id}`;
    const paths = [
      '/v1/runs/0/metrics',
      '/v1/runs/0000000000000000/metrics',
      '/v1/runs/__proto__/metrics',
      '/v1/runs/length/samples',
      '/v1/runs/..%2f..%2fa/metrics',
      `${own}/samples/3`,
      `${own}/samples/7`,
      `${own}/samples/..%2f..%2f..%2fsecret`,
      `${own}/samples/../../../secret.jsonl`,
      `${own}/samples/10.jsonl`,
      `${own}/samples/1e1`,
      // What the service has beside.
      `${own}/topics`,
      `${own}/run.trec`,
      '/v1/config',
      '/docs',
      '/healthz',
      '/assets/../watch-server.ts',
      '/assets/..%2findex.html',
      '/assets/%2e%2e/index.html',
      '/../package.json',
    ];
    const statuses = await Promise.all(paths.map((path) => statusOf(server.url, path)));
    expect(paths.map((path, i) => [path, statuses[i]])).toEqual(paths.map((path) => [path, 404]));
    expect(await statusOf(server.url, `${own}/samples/10`)).toBe(200);
  });

  it('reads through no link that leads out of a run', async () => {
    const linked = join(root, 'linked');
    mkdirSync(linked);
    symlinkSync(join(run, 'samples'), join(linked, 'samples'));
    symlinkSync(join(run, 'state.json'), join(linked, 'state.json'));
    const application = await watchApplication([linked]);
    const path = await firstRun(application);
    expect((await application.inject(`${path}/samples`)).json()).toEqual({ steps: [], validated: [] });
    expect((await application.inject(`${path}/samples/10`)).statusCode).toBe(404);
    expect((await application.inject(path)).json()).toEqual({
      id: expect.any(String),
      kind: 'training',
      name: 'linked',
      hasSamples: false,
      summary: [],
    });
    await application.close();
  });

  it.each(['evil.example', 'evil.example:7870', 'localhost.evil.example'])(
    'refuses who asks it by the name %j',
    async (host) => {
      expect(await asked('/v1/runs', { host })).toMatchObject([401, { error: { code: 'DENIED' } }]);
      const [status] = await asked('/', { host });
      expect(status).toBe(401);
    },
  );

  it('asks for a password where it has a token, and does not start for others without one', async () => {
    await expect(watchApplication([run], { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'USAGE' });
    const application = await watchApplication([run], { host: '0.0.0.0', token: 'word' });
    const headers = { host: 'machine.example' };
    const refused = await application.inject({ url: '/', headers });
    expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([
      401,
      'Basic realm="quern", charset="UTF-8"',
    ]);
    const authorization = `Basic ${btoa('me:word')}`;
    const taken = await application.inject({ url: '/', headers: { ...headers, authorization } });
    expect(taken.statusCode).toBe(200);
    await application.close();
  });

  it('lets the page run nothing but its own scripts, and be framed and read by nobody', async () => {
    const application = await watchApplication([run]);
    const page = await application.inject('/');
    const [, script] = /<script type="module"[^>]* src="\.(\/assets\/[^"]+)"/.exec(page.body)!;
    const files: string[] = ['/', script!];
    for (const url of [...files, '/v1/runs', '/nothing']) {
      const { headers, statusCode } = await application.inject(url);
      expect([url, statusCode]).toEqual([url, url === '/nothing' ? 404 : 200]);
      const rules = String(headers['content-security-policy']);
      expect(rules).toContain("default-src 'none'");
      expect(rules).toContain("frame-ancestors 'none'");
      expect(rules.includes("script-src 'self'")).toBe(files.includes(url));
      expect(rules).not.toContain('unsafe');
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await application.inject({ method: 'POST', url: '/v1/runs' })).statusCode).toBe(404);
    await application.close();
  });

  it('says of its page that there is no other, and has neither script nor style within it', async () => {
    const application = await watchApplication([run]);
    const { body } = await application.inject('/');
    expect(body).toContain('<meta name="quern-only" content="training" />');
    expect(body).not.toMatch(/https?:|\sstyle=|\son\w+=|<style/);
    expect(Array.from(body.matchAll(/<script[^>]*>([^<]*)/g), ([, inside]) => inside)).toEqual(['']);
    await application.close();
  });
});

it('runs are named by as much of their paths as tells them apart', () => {
  expect(runNames(['/x/a/out', '/x/b/out', '/x/c'])).toEqual(['a/out', 'b/out', 'c']);
  expect(runNames(['/x/run'])).toEqual(['run']);
  expect(runNames(['/out', '/x/out'])).toEqual(['out', 'x/out']);
});
