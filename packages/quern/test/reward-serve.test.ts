import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveReward, type RewardServer } from '../src/reward/server/reward-server.ts';
import { quern, startQuern } from './run-quern.ts';
import { lengthReward } from './scripted-reward.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { sentenceTransformersFiles, writeTinyOnnx } from './tiny-onnx-model.ts';

const engines = resolve(import.meta.dirname, '../../../engines');
const python = ['python3', 'python'].find((each) => spawnSync(each, ['--version']).status === 0);

/** What a Python program prints, which imports the plug; it fails the test where the program fails. */
async function printedByPython(program: string, env: Record<string, string>): Promise<unknown> {
  const child = spawn(python!, ['-c', program], { env: { ...process.env, ...env, PYTHONPATH: engines } });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (block: Buffer) => out.push(block));
  child.stderr.on('data', (block: Buffer) => errors.push(block));
  const [code] = (await once(child, 'close')) as [number];
  expect(Buffer.concat(errors).toString()).toBe('');
  expect(code).toBe(0);
  return JSON.parse(Buffer.concat(out).toString());
}

describe.skipIf(python === undefined)('the Python plug, in a process of its own', () => {
  const reward = lengthReward();
  let server: RewardServer;
  beforeAll(async () => {
    server = await serveReward(reward, { token: 'a token' });
  });
  afterAll(() => server?.close());
  const ask = (program: string): Promise<unknown> =>
    printedByPython(`import json, quern_reward\n${program}`, {
      QUERN_REWARD_URL: server.url,
      QUERN_REWARD_TOKEN: 'a token',
    });

  it("is a reward function of TRL's, for texts and chat turns", async () => {
    const said = await ask(`
print(json.dumps([
    quern_reward.reward(["p", "p"], ["abc", "de"], positives=[["x"], ["y"]], query=["why", "how"], other=[1, 2]),
    quern_reward.reward([[{"role": "user", "content": "why so"}]], [[{"role": "assistant", "content": "äöü"}]],
                        answer=['{"query": "why so", "positives": ["x"]}']),
    quern_reward.reward([], [], positives=[]),
]))`);
    expect(said).toEqual([[3, 2], [3], []]);
    expect(reward.batches.flat()).toContainEqual({ query: 'why so', completion: 'äöü', positives: ['x'] });
    expect(reward.batches.flat()).toContainEqual({ query: 'how', completion: 'de', positives: ['y'] });
  });
  it("is a score of verl's, whose truth is a list, JSON, or an object", async () => {
    const said = await ask(`
score = quern_reward.compute_score
print(json.dumps([
    score("quern", "abcd", ["x"], {"query": "why"}),
    score("quern", "abc", '["x"]', {"question": "why"}),
    score("quern", "ab", '{"query": "why", "positives": ["x"]}'),
    score("quern", "", '"x"', {"query": "why"}),
]))`);
    expect(said).toEqual([4, 3, 2, -1]);
  });
  it("is a reward function of OpenRLHF's, which asks for one sample at a time", async () => {
    const said = await ask(`
label = '{"query": "why", "positives": ["x"]}'
print(json.dumps([
    quern_reward.reward_func(["P<|im_end|>abcd<|im_end|>"], ["P<|im_end|>"], [label]),
    quern_reward.reward_func(["Pab", "P"], ["P", "P"], [label, label]),
]))`);
    expect(said).toMatchObject([
      { rewards: 4, scores: 1 / (1 + Math.exp(-4)), extra_logs: { 'rewards/failed': 0 } },
      { rewards: [2, -1], extra_logs: { 'rewards/failed': [0, 1] } },
    ]);
  });
  it('takes arrays of positives and the tokens of completions, and reaches its machine past a proxy', async () => {
    const said = await printedByPython(
      `import json, quern_reward
class Array:
    def __init__(self, values): self.values = values
    def tolist(self): return self.values
    def __bool__(self): raise ValueError("ambiguous")
print(json.dumps([
    quern_reward.compute_score("quern", "abcdef", Array(["x", "y"]), {"query": "why"}),
    quern_reward.reward(["p"], ["ab"], positives=[["x"]], query=["how many"], completion_ids=[[7, 8, 9]]),
]))`,
      { QUERN_REWARD_URL: server.url, QUERN_REWARD_TOKEN: 'a token', http_proxy: 'http://127.0.0.1:9' },
    );
    expect(said).toEqual([6, [2]]);
    expect(reward.batches.flat()).toContainEqual({
      query: 'how many',
      completion: 'ab',
      positives: ['x'],
      completionTokens: 3,
    });
  });
  it('raises what the server says, and where it is told nothing', async () => {
    const said = await ask(`
said = []
for call in (
    lambda: quern_reward.reward(["p"], ["c"], positives=[[]], query=["q"]),
    lambda: quern_reward.reward(["p"], ["c"], query=["q"]),
    lambda: quern_reward.reward(["p"], ["c"], positives=[["x"]]),
    lambda: quern_reward.compute_score("quern", "c", "no json", {"query": "q"}),
):
    try:
        call()
        said.append("nothing")
    except quern_reward.RewardError as error:
        said.append(str(error))
print(json.dumps(said))`);
    expect(said).toEqual([
      expect.stringMatching(/answered 400: items\[0\]\.positives: there are none/),
      expect.stringMatching(/row 0 has neither an answer nor positives/),
      expect.stringMatching(/there is no question/),
      expect.stringMatching(/is no JSON/),
    ]);
  });
  it('gives up at once on an address that is none', async () => {
    const program = `
import json, quern_reward
try:
    quern_reward.rewards([{"query": "q", "completion": "c", "positives": ["p"]}])
except quern_reward.RewardError as error:
    print(json.dumps(str(error)))`;
    expect(await printedByPython(program, { QUERN_REWARD_URL: '127.0.0.1:8700' })).toMatch(/is no address/);
    const secret = { QUERN_REWARD_URL: server.url, QUERN_REWARD_TOKEN: 'a\nsecret' };
    expect(await printedByPython(program, secret)).toMatch(
      /^QUERN_REWARD_TOKEN holds characters that [^\n]*$/,
    );
    const padded = { QUERN_REWARD_URL: server.url, QUERN_REWARD_TOKEN: 'a token\n' };
    expect(await printedByPython(`${program}\nelse:\n    print(1)`, padded)).toBe(1);
  });
  it('comes again while too much waits, and while nobody listens', async () => {
    const busy = await serveReward(lengthReward(), { queue: 1, linger: 300, batch: 1 });
    const port = Number(new URL(busy.url).port);
    const program = `
import json, threading, quern_reward
found = []
def call(n):
    found.append(quern_reward.rewards([{"query": "q", "completion": "x" * n, "positives": ["p"]}])[0])
threads = [threading.Thread(target=call, args=(n,)) for n in range(1, 7)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(sorted(found)))`;
    expect(await printedByPython(program, { QUERN_REWARD_URL: busy.url, QUERN_REWARD_TOKEN: '' })).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    await busy.close();
    const again = printedByPython(program, { QUERN_REWARD_URL: busy.url, QUERN_REWARD_TOKEN: '' });
    await pause(700);
    const later = await serveReward(lengthReward(), { port });
    expect(await again).toEqual([1, 2, 3, 4, 5, 6]);
    await later.close();
  });
  it("answers 192 threads of OpenRLHF's protocol, each with a sample of its own", async () => {
    const counted = lengthReward();
    const held = await serveReward(counted);
    const said = await printedByPython(
      `
import json, threading, urllib.request
found = {}
def call(n):
    body = {"query": ["prompt" + "x" * n], "prompts": ["prompt"], "labels": [json.dumps({"query": "q", "positives": ["p"]})]}
    request = urllib.request.Request("${held.url}/get_reward", data=json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=180) as response:
        found[n] = json.loads(response.read())["rewards"][0]
threads = [threading.Thread(target=call, args=(n,)) for n in range(1, 193)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps([found[n] for n in range(1, 193)]))`,
      {},
    );
    expect(said).toEqual(Array.from({ length: 192 }, (_, i) => i + 1));
    expect(counted.batches.flat()).toHaveLength(192);
    await held.close();
  });
});

/** The JSON document that a command prints, once it is whole. */
async function printed<T>(child: ChildProcess): Promise<T> {
  let text = '';
  for await (const block of child.stdout!) {
    text += String(block);
    try {
      return JSON.parse(text) as T;
    } catch {
      // There is more to come.
    }
  }
  throw new Error(`no document, but: ${text}`);
}

describe('quern reward serve', () => {
  const running: ChildProcess[] = [];
  const started = (options: readonly string[]): ChildProcess => {
    const args = ['reward', 'serve', '--reward', 'lexical', '--port', '0', '--json', ...options];
    const child = startQuern(args);
    running.push(child);
    return child;
  };
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
  });

  it('serves a reward, and ends when it is told to', async () => {
    const child = started([]);
    const closed = once(child, 'close');
    const { url, reward } = await printed<{ url: string; reward: string }>(child);
    expect(reward).toBe('lexical');
    const positives = ['yeast ferments and makes gas'];
    const response = await fetch(`${url}/v1/rewards`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        items: [
          { query: 'why does bread rise', completion: 'yeast makes gas', positives },
          { query: 'why does bread rise', completion: '<|im_end|>', positives },
        ],
      }),
    });
    const { rewards } = (await response.json()) as { rewards: { reward: number; failure?: string }[] };
    expect(rewards[0]!.reward).toBeGreaterThan(0);
    expect(rewards[1]).toMatchObject({ reward: -1, failure: 'empty' });
    child.kill('SIGTERM');
    expect(await closed).toEqual([0, null]);
  });
  it.each([
    [['--host', '0.0.0.0'], /no token is asked for/],
    [['--retriever', 'bm25'], /Give --index too/],
    [['--index', 'nowhere'], /nowhere/],
    [['--port', '70000'], /65535/],
    [['--token-file', 'nowhere'], /no such file/],
  ])('refuses %j', async (options, message) => {
    const { code, stderr } = await quern([
      'reward',
      'serve',
      '--reward',
      'lexical',
      '--port',
      '0',
      ...options,
    ]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
  });
  it.each([
    [['--reward', 'copying'], /One is served: make them one, mix:1\*lexical,1\*copying/],
    [['--reward', 'retrieval:rank'], /One is served/],
  ])('refuses another reward, %j', async (options, message) => {
    const { code, stderr } = await quern([
      'reward',
      'serve',
      '--reward',
      'lexical',
      '--port',
      '0',
      ...options,
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
  it('tells of positives that may be ranked among none but themselves', async () => {
    const child = startQuern(['reward', 'serve', '--reward', 'retrieval:rank', '--port', '0', '--json']);
    running.push(child);
    const { warnings } = await printed<{ warnings: { message: string }[] }>(child);
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('may be one alone')]);
    child.kill('SIGTERM');
  });
  const broken = temporaryFolder();
  it('does not begin with a model that cannot be loaded', async () => {
    const folder = join(broken, 'model');
    writeTinyOnnx(folder, { files: sentenceTransformersFiles('mean_tokens') });
    await writeFile(join(folder, 'onnx/model.onnx'), 'not a model');
    const args = ['reward', 'serve', '--reward', `similarity:onnx:${folder}`, '--port', '0'];
    const { code, stderr } = await quern(args, { env: { QUERN_CACHE: join(broken, 'cache') } });
    expect(stderr).toMatch(/^quern: .*model: ONNX Runtime cannot load it .*\n$/);
    expect(code).toBe(1);
  });
  it('takes its token from a file, without the line end', async () => {
    const file = join(temporaryFolder(), 'token');
    await writeFile(file, 'abc\n');
    const child = started(['--token-file', file]);
    const closed = once(child, 'close');
    const { url } = await printed<{ url: string }>(child);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    const shown = await fetch(`${url}/healthz`, { headers: { authorization: 'Bearer abc' } });
    expect(await shown.json()).toMatchObject({ status: 'ok', reward: 'lexical' });
    child.kill('SIGINT');
    expect(await closed).toEqual([0, null]);
  });
});
