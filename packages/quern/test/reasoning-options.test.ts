/** The options of the command line that say how a question is reasoned about, and what becomes of the texts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleFolder } from './beir-collection.ts';
import { failing, FakeOpenAiServer, streamed } from './fake-openai-server.ts';
import { gateRecordOf } from './gate-record.ts';
import { quern, quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';
import type { Explanation } from '../src/search/explain.ts';
import type { ReasonedRecord } from '../src/reason/reasoned-record.ts';
import { readTrecRun } from '../src/collections/trec.ts';

const cwd = temporaryFolder();
const sample = `beir:${sampleFolder}`;
const recorded = join(sampleFolder, 'reasoned.json');
const texts = JSON.parse(readFileSync(recorded, 'utf8')) as Record<string, string>;
const [question, text] = Object.entries(texts)[0];
const file = ['--reasoner', `file:${recorded}`];
let server: FakeOpenAiServer;

interface Found {
  readonly reasoned: ReasonedRecord;
  readonly hits: { readonly id: string; readonly terms: readonly unknown[] }[];
  readonly searches: Explanation['searches'];
  readonly rounds?: { reasoned: ReasonedRecord; passages: { id: string; text: string }[] }[];
  readonly probing?: { probes: number };
}

beforeAll(async () => {
  await quernJson(['index', sampleFolder, '--out', 'sample.index', '--store'], { cwd });
  await quernJson(['index', sampleFolder, '--out', 'bare.index'], { cwd });
  writeFileSync(
    join(cwd, 'other.json'),
    JSON.stringify({ [question]: 'mushrooms crowd the pan and steam in their own water' }),
  );
  writeFileSync(join(cwd, 'none.json'), '{}');
  writeFileSync(join(cwd, 'idle.gate.json'), JSON.stringify(gateRecordOf({ kind: 'always' })));
  server = await FakeOpenAiServer.start();
});
afterAll(() => server?.stop());

function explained(...args: string[]): Promise<Found> {
  return quernJson<Found>(['search', 'sample.index', question, '--explain', '--no-cache', ...args], {
    cwd,
    env: { QUERN_CACHE: join(cwd, 'cache') },
  });
}

describe('--early-stop', () => {
  it('ends the text where its ranking is stable, and is told of by --explain', async () => {
    const { reasoned, probing } = await explained(...file, '--early-stop', 'every=5,overlap=0.5,checks=1');
    expect(reasoned.finish).toBe('early');
    expect(text.startsWith(reasoned.text)).toBe(true);
    expect(reasoned.text.length).toBeLessThan(text.length);
    expect(reasoned.cuts).toMatchObject([{ kind: 'stable', why: expect.stringContaining('0.5') }]);
    expect(probing?.probes).toBeGreaterThan(1);
  });

  it('is counted by eval, as is what a gate leaves out', async () => {
    const args = ['eval', sample, '--reasoner', `file:${recorded}`];
    const early = await quern([...args, '--early-stop'], { cwd });
    expect(early.stdout).toMatch(/ reasoning: [1-9]\d* ended early, 30 recorded before$/m);
    const rule = { kind: 'threshold', fact: 'words', threshold: 1, reasons: 'below' } as const;
    writeFileSync(join(cwd, 'none.gate.json'), JSON.stringify(gateRecordOf(rule)));
    const gated = await quern([...args, '--gate', 'none.gate.json'], { cwd });
    expect(gated.stdout).toMatch(/ reasoning: 30 not asked for, by the gate$/m);
  });

  it('has settings of its own where none are given', async () => {
    const bare = await explained(...file, '--early-stop');
    const named = await explained(...file, '--early-stop', 'every=25,depth=10,overlap=0.8,checks=3');
    expect(bare.reasoned.text).toBe(named.reasoned.text);
    expect(bare.probing?.probes).toBe(named.probing?.probes);
    const without = await explained(...file);
    expect(without.probing).toBeUndefined();
    expect(without.reasoned.text).toBe(text);
  });

  it('breaks the reply of a server off', async () => {
    server.reply = streamed({
      pieces: Array.from({ length: 200 }, () => 'mushrooms steam in water '),
      hang: true,
    });
    const { reasoned } = await explained(
      '--reasoner',
      server.name(),
      '--early-stop',
      'every=8,overlap=1,checks=1',
    );
    expect(reasoned.finish).toBe('early');
    expect(reasoned.completionTokens).toBeLessThan(200);
    expect(reasoned.text).toBe('mushrooms steam in water '.repeat(4).trimEnd());
    await expect.poll(() => server.underWay, { interval: 5 }).toBe(0);
  });
});

it('--gate is explained by the facts that have most say, in words', async () => {
  const one = { mean: 0, deviation: 1 };
  const facts = [
    { fact: 'words', ...one, weight: 0.01 },
    { fact: 'asks', ...one, weight: 0.5 },
  ] as const;
  const rule = { kind: 'linear', worth: 0, intercept: 0.1, facts } as const;
  writeFileSync(join(cwd, 'linear.gate.json'), JSON.stringify(gateRecordOf(rule)));
  const gated = ['search', 'sample.index', question, ...file, '--gate', 'linear.gate.json', '--explain'];
  const { stdout } = await quern(gated, { cwd });
  const lines = stdout.split('\n');
  const at = lines.findIndex((line) => line.startsWith('gate '));
  expect(lines[at]).toMatch(/^gate {7}reason: the foretold gain is [\d.]+, above 0$/);
  const told = lines.slice(at + 1, at + 3);
  expect(
    told.some((line) => /^ {2}words \d+, \+0\.0300 to the gain: words of the question$/.test(line)),
  ).toBe(true);
  expect(told.some((line) => /^ {2}asks [01], \+0\.\d{4} to the gain: 1 if a sentence/.test(line))).toBe(
    true,
  );
});

describe('--join', () => {
  const both = ['--reasoner', `join:file:${recorded},file:other.json`];

  it('concatenates the texts unless told otherwise', async () => {
    const { searches, reasoned } = await explained(...both);
    expect(searches.map(({ text: searched }) => searched)).toEqual([
      `${text}\n\nmushrooms crowd the pan and steam in their own water`,
    ]);
    expect(reasoned.parts?.map(({ reasoner }) => reasoner)).toEqual([`file:${recorded}`, 'file:other.json']);
  });

  it('interpolates their weights, or fuses their rankings', async () => {
    const mean = await explained(...both, '--join', 'interpolate');
    expect(mean.searches).toHaveLength(1);
    const sum = mean.searches[0].terms.reduce((total, { weight }) => total + weight, 0);
    expect(sum).toBeCloseTo(1, 9);
    const fused = await explained(...both, '--join', 'rrf', '--combine', 'rrf');
    expect(fused.searches.map(({ from, reasoner }) => [from, reasoner])).toEqual([
      ['query', undefined],
      ['reasoned', `file:${recorded}`],
      ['reasoned', 'file:other.json'],
    ]);
    const args = ['search', 'sample.index', question, ...both, '--join', 'rrf', '--explain'];
    const { stdout } = await quern(args, { cwd });
    for (const [i, reasoner] of [`file:${recorded}`, 'file:other.json'].entries()) {
      expect(stdout).toContain(`(reasoned, ${reasoner}):`);
      expect(stdout).toMatch(new RegExp(`^search ${i + 1}, with \\d+ terms of the index`, 'm'));
    }
    expect(stdout).toMatch(/^ +rank \d+ in search 1 brings 0\.\d+ \+ rank \d+ in search 2 brings 0\.\d+$/m);
  });

  it('cannot concatenate weights, which is wrong usage', async () => {
    const args = ['search', 'sample.index', question, '--reasoner', `join:rm3,file:${recorded}`];
    const { code, stderr } = await quern(args, { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/rm3 yields term weights, which cannot be concatenated.*interpolate or rrf/);
    expect((await quern([...args, '--join', 'interpolate'], { cwd })).code).toBe(0);
  });
});

describe('a part of the reasoning that fails', () => {
  it('is told of by search and eval, which search with the rest', async () => {
    server.reply = failing(401, { message: 'Incorrect API key' });
    const reasoner = ['--reasoner', `join:file:${recorded},${server.name()}`, '--no-cache'];
    const found = await quern(['search', 'sample.index', question, ...reasoner, '--json'], { cwd });
    expect(found.code).toBe(0);
    expect(found.stderr).toMatch(/a part of the reasoning failed.*\n.*1 time: .*401/);
    expect((JSON.parse(found.stdout) as Found).reasoned).toMatchObject({ text, finish: 'stop' });
    const { code, stderr } = await quern(['eval', sample, ...reasoner], { cwd });
    expect(code).toBe(0);
    expect(stderr).toMatch(/a part of the reasoning failed for 30 of 30 topics.*\n.*30 times: .*401/);
  });
});

describe('--key-terms and --background', () => {
  it('raise what is rare in the question, and lower what the reasoner always writes', async () => {
    const kept = await explained('--reasoner', 'file:other.json', '--key-terms', '0.6');
    expect(kept.searches[0].kept).toMatchObject({ after: 0.6 });
    expect(kept.searches[0].kept!.before).toBeLessThan(0.6);
    expect(kept.searches[0].kept!.terms).toHaveLength(5);

    const plain = await explained(...file);
    const lowered = await explained(...file, '--background', recorded, '--background-power', '1');
    const weights = new Map(plain.searches[0].terms.map(({ term, weight }) => [term, weight]));
    for (const { term, weight, background } of lowered.searches[0].terms) {
      expect(background).toBeGreaterThan(0);
      expect(weight).toBeCloseTo(weights.get(term)! * background!, 9);
    }
    const factors = lowered.searches[0].terms.map(({ background }) => background!);
    expect(Math.min(...factors)).toBeLessThan(0.5);
    const off = await explained(...file, '--background', recorded, '--background-power', '0');
    expect(off.hits).toEqual(plain.hits);
  });
});

describe('--rounds', () => {
  it('shows a model what was found, and searches all that it wrote or the last of it', async () => {
    server.requests.length = 0;
    server.script.push(
      streamed({ pieces: ['mushrooms ', 'steam'] }),
      streamed({ pieces: ['brown ', 'pan'] }),
    );
    const asked = ['--reasoner', server.name(), '--rounds', '2'];
    const { rounds = [], reasoned, searches } = await explained(...asked);
    expect(reasoned.text).toBe('mushrooms steam\n\nbrown pan');
    expect(searches[0].text).toBe(reasoned.text);
    expect(rounds.map(({ passages }) => passages.length)).toEqual([0, 3]);
    const [, second] = server.bodies.map(({ messages }) => JSON.stringify(messages));
    for (const { text: shown } of rounds[1].passages) {
      expect(second).toContain(JSON.stringify(shown).slice(1, -1));
    }
    server.script.push(
      streamed({ pieces: ['mushrooms ', 'steam'] }),
      streamed({ pieces: ['brown ', 'pan'] }),
    );
    const last = await explained(...asked, '--rounds-keep', 'last', '--deadline', '60s');
    expect(last.reasoned.text).toBe('brown pan');
    server.script.push(streamed({ pieces: ['mushrooms'] }));
    const bounded = await explained(...asked, '--rounds-tokens', '1');
    expect(bounded.rounds).toHaveLength(1);
  });

  it('needs texts, and a reasoner that is shown them', async () => {
    const args = ['search', 'bare.index', question, '--rounds', '2', '--no-cache', '--reasoner'];
    server.requests.length = 0;
    const bare = await quern([...args, server.name()], { cwd });
    expect([bare.code, server.bodies.length]).toEqual([2, 0]);
    expect(bare.stderr).toMatch(/has no texts.*--store/);
    const fixed = await quern([...args, `file:${recorded}`], { cwd });
    expect(fixed.code).toBe(2);
    expect(fixed.stderr).toMatch(/cannot be shown passages/);
  });

  it('of eval have an index with texts built for them', async () => {
    server.reply = streamed({ pieces: ['bread ', 'water'] });
    const args = ['eval', sample, '--reasoner', server.name(), '--rounds', '2', '--no-cache'];
    const { reasoning } = await quernJson<{ reasoning: { completionTokens: number } }>(args, { cwd });
    expect(reasoning.completionTokens).toBe(30 * 2 * 7);
  });
});

describe('--k1 and --b', () => {
  it('change the scores of search and the figures of eval', async () => {
    const usual = await explained(...file);
    const same = await explained(...file, '--k1', '0.9', '--b', '0.4');
    expect(same.hits).toEqual(usual.hits);
    const other = await explained(...file, '--k1', '2', '--b', '1');
    expect(other.hits).not.toEqual(usual.hits);
    const measures = await Promise.all(
      [[], ['--k1', '0', '--b', '0']].map(
        async (args) => (await quernJson<{ measures: object }>(['eval', sample, ...args], { cwd })).measures,
      ),
    );
    expect(measures[1]).not.toEqual(measures[0]);
  });
});

describe('eval', () => {
  it('names its run by what was done', async () => {
    const args = ['--join', 'interpolate', '--key-terms', '0.2', '--background', recorded, '--early-stop'];
    const reasoner = ['--reasoner', `join:file:${recorded},rm3`];
    await quernJson(['eval', sample, ...reasoner, ...args, '--run', 'all.trec'], { cwd });
    expect((await readTrecRun(join(cwd, 'all.trec'))).name).toBe(
      'bm25+join:reasoned.json,rm3/join:interpolate/key-terms:0.2/background:0.5/early-stop:every=25,depth=10,overlap=0.8,checks=3',
    );
  });
});

describe('wrong values', () => {
  it.each([
    ['--early-stop', 'often'],
    ['--early-stop', 'every=0'],
    ['--early-stop', 'overlap=2'],
    ['--join', 'mean'],
    ['--key-terms', '1'],
    ['--key-terms', 'many'],
    ['--key-terms', '-0.1'],
    ['--background-power', '-1'],
    ['--background-power', ''],
    ['--k1', '-1'],
    ['--k1', 'NaN'],
    ['--b', '1.1'],
    ['--rounds', '0'],
    ['--rounds', '1.5'],
    ['--rounds-keep', 'first'],
    ['--rounds-tokens', '0'],
  ])('%s %j ends search and eval with 2, before anything is asked', async (option, value) => {
    const commands = [
      ['search', 'sample.index', question],
      ['eval', sample],
    ];
    const ended = commands.map((command) => quern([...command, option, value, '--json'], { cwd }));
    for (const { code, stdout, stderr } of await Promise.all(ended)) {
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).not.toMatch(/\n\s+at /);
    }
  });

  it('a background that is not there, or holds nothing, ends with 1', async () => {
    for (const background of ['absent.json', 'none.json']) {
      const args = ['search', 'sample.index', question, ...file, '--background', background];
      const { code, stderr } = await quern(args, { cwd });
      expect(code).toBe(1);
      expect(stderr).toContain(background);
    }
  });
});

/** What a search warns of options that change nothing. */
async function warned(...args: string[]): Promise<string[]> {
  const { code, stderr } = await quern(['search', 'sample.index', question, ...args], { cwd });
  expect(code).toBe(0);
  return stderr.split('\n').filter((line) => line.includes(' changes nothing: '));
}

describe('options that change nothing', () => {
  it.each([
    [['--early-stop']],
    [['--early-stop', '--reasoner', 'rm3']],
    [['--key-terms', '0.2']],
    [['--combine', 'rrf']],
    [['--gate', 'idle.gate.json']],
    [['--rounds-keep', 'last', '--rounds', '1', ...file]],
    [['--background', recorded, '--reasoner', 'rm3']],
    [['--background-power', '1', ...file]],
    [['--join', 'rrf', ...file]],
    [['--rounds-keep', 'last', ...file]],
    [['--rounds-tokens', '100', ...file]],
  ])('are told of: %j', async (args) => {
    expect(await warned(...args)).toEqual([expect.stringContaining(`${args[0]} changes nothing`)]);
  });

  it('are told of --join with what it is for', async () => {
    expect(await warned('--join', 'rrf', ...file)).toEqual([expect.stringContaining('join:A,B and 3*A')]);
  });

  it('are none where they do', async () => {
    const both = ['--reasoner', `join:file:${recorded},rm3`];
    const all = ['--early-stop', '--key-terms', '0.2', '--background', recorded, '--background-power', '1'];
    expect(await warned(...both, ...all, '--join', 'rrf')).toEqual([]);
  });

  it.each([
    ['the question', ['search', 'sample.index', '--early-stop', question]],
    ['the collection', ['eval', '--early-stop', sample]],
  ])('that takes %s for its settings says where to put it', async (_, args) => {
    const { code, stderr } = await quern(args, { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('at the end of the command');
  });
});

it('all of it together is the same twice, but for milliseconds', async () => {
  const reasoners = ['--reasoner', `join:file:${recorded},file:other.json`];
  const joined = ['--join', 'rrf', '--combine', 'rrf', '--scoring', 'bm25q'];
  const weighed = ['--key-terms', '0.2', '--background', recorded, '--early-stop'];
  const args = [...reasoners, ...joined, ...weighed];
  const [first, second] = [await explained(...args), await explained(...args)].map((found) =>
    JSON.stringify(found, (key, value: unknown) => (key === 'milliseconds' ? 0 : value)),
  );
  expect(second).toBe(first);
});
