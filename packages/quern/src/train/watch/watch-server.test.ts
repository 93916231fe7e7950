import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import type { Listening } from '../../reward/server/listening.ts';
import type { ListedRun } from './page/wire.ts';
import { runNames } from './watched-run.ts';
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

/** The status and the JSON that a route answers with. */
async function asked(path: string, headers: Record<string, string> = {}): Promise<[number, unknown]> {
  const application = await watchApplication([run]);
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
    const [status, body] = await asked('/api/runs');
    expect(status).toBe(200);
    expect((body as { runs: ListedRun[] }).runs).toEqual([
      {
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
    const runs = (await application.inject('/api/runs')).json<{ runs: ListedRun[] }>();
    expect(runs.runs.map(({ name, state, isAlive }) => [name, state?.status, isAlive])).toEqual([
      ['empty', undefined, undefined],
      ['odd', undefined, undefined],
      ['gone', 'running', false],
    ]);
    const samples = await application.inject('/api/runs/0/samples');
    expect(samples.json()).toEqual({ steps: [], validated: [] });
    await application.close();
  });

  it('answers with metrics, and with what came after', async () => {
    const application = await watchApplication([run]);
    const first = (await application.inject('/api/runs/0/metrics')).json<{
      after: string;
      lines: unknown[];
    }>();
    expect(first.lines).toEqual([{ kind: 'train', step: 1, values: { reward: 0.5 } }]);
    const next = await application.inject(`/api/runs/0/metrics?after=${first.after}`);
    expect(next.json()).toMatchObject({ lines: [], isStart: false });
    expect((await application.inject('/api/runs/0/metrics?after=1&after=2')).statusCode).toBe(200);
    await application.close();
  });

  it('answers with samples, whose texts are as they are, and counts lines that cannot be read', async () => {
    expect(await asked('/api/runs/0/samples')).toEqual([200, { steps: [2, 10], validated: [] }]);
    const { step: _, ...question } = sample;
    expect(await asked('/api/runs/0/samples/10')).toEqual([
      200,
      { questions: [question], isCut: false, unreadable: 2 },
    ]);
  });

  it('knows no runs but those that it was given, and no paths', async () => {
    const server = await watchRuns([run]);
    servers.push(server);
    symlinkSync(join(root, 'a', 'secret.jsonl'), join(run, 'samples', 'step-7.jsonl'));
    const paths = [
      '/api/runs/1/metrics',
      '/api/runs/-1/metrics',
      '/api/runs/0.0/metrics',
      '/api/runs/00000/metrics',
      '/api/runs/__proto__/metrics',
      '/api/runs/length/samples',
      '/api/runs/..%2f..%2fa/metrics',
      '/api/runs/0/samples/3',
      '/api/runs/0/samples/7',
      '/api/runs/0/samples/..%2f..%2f..%2fsecret',
      '/api/runs/0/samples/../../../secret.jsonl',
      '/api/runs/0/samples/10.jsonl',
      '/api/runs/0/samples/1e1',
      '/page/../watch-server.ts',
      '/page/..%2fwatch-server.ts',
      '/page/%2e%2e/watch-server.ts',
      '/../package.json',
    ];
    const statuses = await Promise.all(paths.map((path) => statusOf(server.url, path)));
    expect(paths.map((path, i) => [path, statuses[i]])).toEqual(paths.map((path) => [path, 404]));
    expect(await statusOf(server.url, '/api/runs/0/samples/10')).toBe(200);
  });

  it('reads through no link that leads out of a run', async () => {
    const linked = join(root, 'linked');
    mkdirSync(linked);
    symlinkSync(join(run, 'samples'), join(linked, 'samples'));
    symlinkSync(join(run, 'state.json'), join(linked, 'state.json'));
    const application = await watchApplication([linked]);
    expect((await application.inject('/api/runs/0/samples')).json()).toEqual({ steps: [], validated: [] });
    expect((await application.inject('/api/runs/0/samples/10')).statusCode).toBe(404);
    const { runs } = (await application.inject('/api/runs')).json<{ runs: ListedRun[] }>();
    expect(runs).toEqual([{ name: 'linked', hasSamples: false, summary: [] }]);
    await application.close();
  });

  it.each(['evil.example', 'evil.example:7870', 'localhost.evil.example'])(
    'refuses who asks it by the name %j',
    async (host) => {
      expect(await asked('/api/runs', { host })).toMatchObject([401, { error: { code: 'DENIED' } }]);
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
    for (const url of ['/', '/style.css', '/uplot.js', '/uplot.css', '/api/runs', '/nothing']) {
      const { headers } = await application.inject(url);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).not.toContain('unsafe');
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await application.inject({ method: 'POST', url: '/api/runs' })).statusCode).toBe(404);
    await application.close();
  });
});

it('runs are named by as much of their paths as tells them apart', () => {
  expect(runNames(['/x/a/out', '/x/b/out', '/x/c'])).toEqual(['a/out', 'b/out', 'c']);
  expect(runNames(['/x/run'])).toEqual(['run']);
  expect(runNames(['/out', '/x/out'])).toEqual(['out', 'x/out']);
});
