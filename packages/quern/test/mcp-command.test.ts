/** `quern mcp`, as clients start it: the official client over the standard streams of a process, and over HTTP. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DataFolder } from '../src/serve/data/data-folder.ts';
import { processState } from '../src/process-state.ts';
import { FakeOpenAiServer, onlyHeaders } from './fake-openai-server.ts';
import { question, recorded, returned, sampleIndex, sentence } from './mcp-service.ts';
import { finished, quern, startQuern } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const program = resolve(import.meta.dirname, '../bin/quern.js');
const folder = temporaryFolder();
const env = { QUERN_CACHE: join(folder, 'cache') };
let declared: string[];
beforeAll(async () => {
  declared = ['--index', `notes=${await sampleIndex(folder)}`, '--reasoner', `rec=${recorded}`];
});

const closings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

/** A client that has started `quern mcp`. */
async function connected(...args: readonly string[]) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, 'mcp', ...declared, ...args],
    env,
    stderr: 'pipe',
  });
  const client = new Client({ name: 'test', version: '1.0.0' });
  const problems: Error[] = [];
  // What is on stdout and no message of the protocol is one.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- clients have none
  client.onerror = (error) => problems.push(error);
  const log = text(transport.stderr as Readable);
  closings.push(() => client.close());
  await client.connect(transport);
  return { client, transport, problems, log };
}

/** `quern mcp` with its streams in our hands. */
function child(...args: readonly string[]): ChildProcess {
  const started = spawn(process.execPath, [program, 'mcp', ...declared, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  closings.push(() => void started.kill('SIGKILL'));
  return started;
}

const hello = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};
const line = (message: unknown): string => `${JSON.stringify(message)}\n`;
const calling = (id: number, name: string, given: unknown): string =>
  line({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: given } });

async function model(...replies: Parameters<typeof FakeOpenAiServer.start>): Promise<FakeOpenAiServer> {
  const server = await FakeOpenAiServer.start(...replies);
  closings.push(() => server.stop());
  return server;
}

/** Whether a process is there and more than an entry that nobody has collected. */
async function isRunning(pid: number): Promise<boolean> {
  const state = await processState(pid);
  return state !== undefined && !state.ended;
}

it('--help shows examples and the options', async () => {
  const { code, stdout, stderr } = await quern(['mcp', '--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/Examples:\n +\$ quern mcp --index/);
  expect(stdout).toMatch(/--http/);
});

describe('over standard input and output', () => {
  it('an agent lists, searches and reasons, with the log on stderr and nothing but the protocol on stdout', async () => {
    const { client, problems, log } = await connected();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['search', 'reason', 'list_indexes']);
    expect(await returned(client, 'list_indexes')).toMatchObject({
      indexes: [{ name: 'notes', documents: 135 }],
    });
    expect(await returned(client, 'search', { question, reasoner: 'rec', k: 1 })).toMatchObject({
      hits: [{ rank: 1 }],
    });
    expect(await returned(client, 'reason', { question, reasoner: 'rec' })).toMatchObject({ cached: true });
    expect(await sentence(client, 'search', { question, index: '/etc' })).toMatch(
      /^there is no index "\/etc"; /,
    );
    await client.close();
    expect(problems).toEqual([]);
    expect(await log).toMatch(/^quern: ready$/m);
  });
  it('a call that is cancelled ends at the model', async () => {
    const fake = await model(onlyHeaders);
    const { client } = await connected('--reasoner', `qr=${fake.name()}`);
    const controller = new AbortController();
    const given = { name: 'search', arguments: { question, reasoner: 'qr' } };
    const called = client.callTool(given, undefined, { signal: controller.signal });
    await expect.poll(() => fake.underWay, { timeout: 30_000 }).toBe(1);
    controller.abort('enough');
    await expect(called).rejects.toThrow('enough');
    await expect.poll(() => fake.underWay, { timeout: 30_000 }).toBe(0);
  });
  it('searches what a service has built in its data folder, and leaves that folder to it', async () => {
    const data = join(folder, 'data');
    const service = await DataFolder.open(data);
    closings.push(() => service.close());
    const document = { _id: 'moss', text: 'Moss grows on the north side of old oaks.' };
    await service.corpora.receive('plants', 'corpus.jsonl', Readable.from([Buffer.from(line(document))]));
    const { id } = await service.indexes.build({ index: 'plants', corpus: 'plants', store: true });
    for await (const build of service.builds.watch(id)) expect(build.error).toBeUndefined();
    const { client } = await connected('--data-dir', data);
    const listed = await client.callTool({ name: 'list_indexes', arguments: {} });
    expect(JSON.stringify(listed.structuredContent)).toContain('plants');
    const arguments_ = { index: 'plants', question: 'where does moss grow' };
    const found = await client.callTool({ name: 'search', arguments: arguments_ });
    expect(found.structuredContent).toMatchObject({ hits: [{ id: 'moss' }] });
  });
  it('answers what came before its input ended, and ends with 0', async () => {
    const running = child();
    const ended = finished(running);
    running.stdin!.end(line(hello) + calling(2, 'search', { question, k: 1 }));
    const { code, stdout, stderr } = await ended;
    const answers = stdout
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each) as { id: number; error?: unknown });
    expect(answers.map(({ id }) => id)).toEqual([1, 2]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'quern: ready\n' });
  });
  it('ends when its input does, also while a model is at work', async () => {
    const fake = await model(onlyHeaders);
    const running = child('--reasoner', `qr=${fake.name()}`);
    const ended = finished(running);
    running.stdin!.write(line(hello) + calling(2, 'reason', { question, reasoner: 'qr' }));
    await expect.poll(() => fake.underWay, { timeout: 30_000 }).toBe(1);
    running.stdin!.end();
    expect((await ended).code).toBe(0);
    await expect.poll(() => fake.underWay).toBe(0);
  });
  it('ends when whoever started it is killed', async () => {
    const fake = await model(onlyHeaders);
    const parent = join(folder, 'parent.mjs');
    writeFileSync(
      parent,
      `import { spawn } from 'node:child_process';
       const [program, ...args] = process.argv.slice(2);
       const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
       console.log(child.pid);
       child.stdout.pipe(process.stdout);
       process.stdin.pipe(child.stdin);`,
    );
    const args = [program, 'mcp', ...declared, '--reasoner', `qr=${fake.name()}`];
    const killed = spawn(process.execPath, [parent, process.execPath, ...args], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    closings.push(() => void killed.kill('SIGKILL'));
    const [pid] = (await once(createInterface(killed.stdout), 'line')) as [string];
    killed.stdin.write(line(hello) + calling(2, 'reason', { question, reasoner: 'qr' }));
    await expect.poll(() => fake.underWay, { timeout: 30_000 }).toBe(1);
    killed.kill('SIGKILL');
    await expect.poll(() => fake.underWay, { timeout: 30_000 }).toBe(0);
    await expect.poll(() => isRunning(Number(pid)), { timeout: 30_000 }).toBe(false);
  });
  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 at %s', async (signal) => {
    const running = child();
    const ended = finished(running);
    running.stdin!.write(line(hello));
    await once(running.stdout!, 'data');
    running.kill(signal);
    expect((await ended).code).toBe(0);
  });
  it('goes on after lines that are no messages', async () => {
    const running = child();
    const ended = finished(running);
    running.stdin!.end(`no JSON\n{"hello":"world"}\n[]\n\n${line(hello)}`);
    const { code, stdout, stderr } = await ended;
    expect(JSON.parse(stdout)).toMatchObject({ id: 1, result: { serverInfo: { name: 'quern' } } });
    expect(code).toBe(0);
    // Each is told of on one line.
    expect(
      stderr
        .trim()
        .split('\n')
        .every((each) => each.startsWith('quern: ')),
    ).toBe(true);
  });
  it('ends with 1 at a message that is larger than the service takes', async () => {
    const config = join(folder, 'small.yaml');
    writeFileSync(config, 'limits: { body: 100000 }\n');
    const running = child('--config', config);
    const ended = finished(running);
    running.stdin!.on('error', () => undefined);
    running.stdin!.write('a'.repeat(200_000));
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/a message is larger than 100000 bytes/);
  });
  it('fails at once, with the reason on stderr, where an index is not there', async () => {
    const running = child('--index', `gone=${join(folder, 'nowhere')}`);
    const { code, stdout, stderr } = await finished(running);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/indexes › gone: .*no index here/);
  });
  it('logs questions on stderr where the configuration says so', async () => {
    const config = join(folder, 'questions.yaml');
    writeFileSync(config, 'log: { questions: true }\n');
    const running = child('--config', config);
    const ended = finished(running);
    running.stdin!.end(line(hello) + calling(2, 'search', { question: 'why does bread go stale' }));
    expect((await ended).stderr).toMatch(/^quern: search \{"question":"why does bread go stale"/m);
  });
  it('says on stderr that there is nothing to search where no index is declared', async () => {
    const { stderr } = await quern(['mcp']);
    expect(stderr).toMatch(/^quern: no index is declared \(--index NAME=FOLDER/m);
  });
  it.each([['--port', '8080'], ['--host', '0.0.0.0'], ['--json'], ['--allow-anonymous']])(
    'takes no %s, which goes with --http',
    async (...option) => {
      const { code, stdout, stderr } = await quern(['mcp', ...declared, ...option]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`${option[0]}: goes with --http alone`);
    },
  );
});

/** Where a server that was started with these options is. */
async function servedAt(...args: readonly string[]): Promise<string> {
  const running = startQuern(['mcp', '--http', '--port', '0', '--json', ...declared, ...args], { env });
  closings.push(() => void running.kill('SIGKILL'));
  let stdout = '';
  running.stdout!.on('data', (data: Buffer) => (stdout += data.toString()));
  running.stderr!.resume();
  while (!stdout.endsWith('}\n')) await once(running.stdout!, 'data');
  return (JSON.parse(stdout) as { url: string }).url;
}

describe('--http', () => {
  it('serves agents at /mcp, and tells where', async () => {
    const client = new Client({ name: 'test', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(`${await servedAt()}/mcp`));
    await client.connect(transport as Parameters<Client['connect']>[0]);
    closings.push(() => client.close());
    expect(await returned(client, 'search', { question, reasoner: 'rec' })).toMatchObject({ index: 'notes' });
  });
  it('asks for a token where others reach it', async () => {
    const { code, stderr } = await quern(['mcp', '--http', '--host', '0.0.0.0', '--port', '0', ...declared], {
      env,
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/no token is asked for/);
  });
});
