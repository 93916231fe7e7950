/** The contract of the command line that scripts rely on, on our own sample collection: it runs everywhere. */
import { once } from 'node:events';
import {
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { readBeirQrels } from '../src/collections/beir.ts';
import { readTrecRun } from '../src/collections/trec.ts';
import { evaluateRun, parseMeasures } from '../src/evaluate/measures.ts';
import { sampleFolder } from './beir-collection.ts';
import { finished, quern, quernJson, startQuern } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const cwd = temporaryFolder();
const sample = `beir:${sampleFolder}`;
const qrels = join(sampleFolder, 'qrels/test.tsv');
const reasoned = join(sampleFolder, 'reasoned.json');
const question = 'why does bread go stale';
const commands = ['demo', 'index', 'search', 'reason', 'eval', 'compare', 'tune'];

beforeAll(async () => {
  await quernJson(['index', sampleFolder, '--out', 'sample.index', '--store'], { cwd });
  await quernJson(['eval', sample, '--run', 'bm25.trec'], { cwd });
  await quernJson(['eval', sample, '--reasoner', 'rm3', '--run', 'rm3.trec'], { cwd });
  writeFileSync(join(cwd, 'one.jsonl'), '{"_id": "a", "text": "one"}\n{"_id": "b", "text": "both"}\n');
  await quernJson(['index', 'one.jsonl', '--out', 'plain.index'], { cwd });
  writeFileSync(join(cwd, 'few.json'), '{"another question": "its reasoned query"}');
});

describe('--json', () => {
  const pair = ['bm25.trec', 'rm3.trec', '--qrels', qrels];
  const reasonedKeys = [
    'query',
    'text',
    'reasoner',
    'finish',
    'promptTokens',
    'completionTokens',
    'milliseconds',
    'cached',
  ];
  const comparisonKeys = ['baseline', 'topics', 'measures', 'runs', 'comparisons'];

  it.each([
    ['demo', ['demo', '--html', 'demo.html'], comparisonKeys],
    ['index', ['index', sampleFolder, '--out', 'again.index'], ['index', 'documents', 'terms', 'analyzer']],
    [
      'index info',
      ['index', 'info', 'sample.index'],
      ['index', 'documents', 'terms', 'segments', 'generation'],
    ],
    ['search', ['search', 'sample.index', question], ['query', 'reasoner', 'combine', 'scoring', 'hits']],
    ['search --explain', ['search', 'sample.index', question, '--explain'], ['searches', 'hits']],
    ['reason', ['reason', question, '--reasoner', 'rm3', '--index', 'sample.index'], reasonedKeys],
    ['reason none', ['reason', question, '--reasoner', 'none'], reasonedKeys],
    ['eval', ['eval', sample], ['collection', 'reasoner', 'scoring', 'queries', 'measures', 'milliseconds']],
    ['compare', ['compare', ...pair], comparisonKeys],
  ])('of %s prints one document on stdout, with the promised keys', async (_, args, keys) => {
    const { code, stdout, stderr } = await quern([...args, '--json'], { cwd });
    expect({ code, stderr: stderr.replace(/^quern: wrote .*\n/gm, '') }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(document)).toEqual(expect.arrayContaining(keys));
    expect(stdout).toBe(`${JSON.stringify(document, null, 2)}\n`);
  });

  it('of eval has the measures that were asked for, in their order', async () => {
    const args = ['eval', sample, '--measures', 'P.5,10,map,ndcg@10', '-k', '100'];
    const { queries, measures } = await quernJson<{ queries: number; measures: object }>(args, { cwd });
    expect(queries).toBe(30);
    expect(Object.keys(measures)).toEqual(['P@5', 'P@10', 'map', 'ndcg@10']);
  });

  it('of a command that fails prints nothing on stdout', async () => {
    const { code, stdout, stderr } = await quern(['search', 'no.index', question, '--json'], { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^quern: no\.index: /);
  });

  it.each([
    ['eval', ['eval', sample, '--reasoner', 'rm3', '--combine', 'rrf']],
    ['search', ['search', 'sample.index', question, '--reasoner', 'rm3', '--explain']],
    ['compare', ['compare', ...pair]],
    ['demo', ['demo', '--html', 'twice.html']],
  ])('of %s is the same twice, but for milliseconds', async (_, args) => {
    const first = await quern([...args, '--json'], { cwd });
    const second = await quern([...args, '--json'], { cwd });
    expect(first.code).toBe(0);
    expect(timeless(second.stdout)).toBe(timeless(first.stdout));
  });
});

describe('eval --run', () => {
  it('writes rankings that give the figures that were printed', async () => {
    for (const scoring of ['bm25', 'bm25q']) {
      const args = ['eval', sample, '--scoring', scoring, '--reasoner', `file:${reasoned}`];
      const { measures } = await quernJson<{ measures: Record<string, number> }>(
        [...args, '--run', `${scoring}.trec.gz`],
        { cwd },
      );
      const run = await readTrecRun(join(cwd, `${scoring}.trec.gz`));
      expect(run.name).toBe(`${scoring}+reasoned.json`);
      const judgements = await readBeirQrels(qrels);
      const names = parseMeasures(Object.keys(measures));
      expect(evaluateRun(run, judgements, names, { complete: true }).mean).toEqual(measures);
    }
  });

  it('writes the same bytes twice', async () => {
    const runs: string[] = [];
    for (const file of ['once.trec', 'twice.trec']) {
      await quernJson(['eval', sample, '--reasoner', 'rm3', '--run', file], { cwd });
      runs.push(readFileSync(join(cwd, file), 'utf8'));
    }
    expect(runs[1]).toBe(runs[0]);
  });

  it('writes what search finds', async () => {
    const run = await readTrecRun(join(cwd, 'bm25.trec'));
    const queries = readFileSync(join(sampleFolder, 'queries.jsonl'), 'utf8').trim().split('\n');
    const { _id, text } = JSON.parse(queries[0]!) as { _id: string; text: string };
    const { hits } = await quernJson<{ hits: { id: string }[] }>(['search', 'sample.index', text], { cwd });
    const expected = run.rankings.get(_id)!.slice(0, 10);
    expect(hits.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  });
});

describe('--html', () => {
  it.each([
    ['demo', ['demo']],
    ['eval', ['eval', sample, '--reasoner', 'rm3']],
    ['compare', ['compare', 'bm25.trec', 'rm3.trec', '--qrels', qrels]],
  ])('of %s writes a report that loads nothing from elsewhere', async (name, args) => {
    await quernJson([...args, '--html', `${name}.html`], { cwd });
    const html = readFileSync(join(cwd, `${name}.html`), 'utf8');
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).not.toMatch(/<(?:script|img|iframe)[^>]+src=|<link[^>]+href=|@import|url\((?!["']?data:)/i);
  });
});

describe('--help', () => {
  it.each(['eval', 'tune'])('of %s says which scoring a collection has by default', async (command) => {
    const { stdout } = await quern([command, '--help'], { cwd });
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('default: bm25q for BRIGHT, BRIGHT-Pro and R2MED');
  });

  it.each(commands)('of %s shows examples and its options', async (command) => {
    const { code, stdout, stderr } = await quern([command, '--help'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`Examples:\n +\\$ quern ${command}\\b`));
    expect(stdout).toContain('--json');
  });

  it('of the program names all commands', async () => {
    const { code, stdout } = await quern(['--help'], { cwd });
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ +${command}\\b`, 'm'));
  });
});

describe('wrong usage exits with 2', () => {
  it.each(commands)('for an option that %s does not have', async (command) => {
    const required: Record<string, string[]> = {
      index: ['corpus', '--out', 'x.index'],
      compare: ['a', 'b', '--qrels', 'c'],
      search: ['x.index', question],
      reason: [question, '--reasoner', 'none'],
      eval: [sample],
      tune: [sample, '--reasoner', 'rm3'],
    };
    const { code, stdout, stderr } = await quern([command, ...(required[command] ?? []), '--nonsense'], {
      cwd,
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--nonsense');
  });

  it.each([
    ['no command', []],
    ['an unknown command', ['nonsense']],
    ['no corpus', ['index', '--out', 'x.index']],
    ['no folder for the index', ['index', sampleFolder]],
    ['no index to look at', ['index', 'info']],
    ['no ids to delete', ['index', 'delete', 'sample.index']],
    ['texts to store where none are', ['index', 'one.jsonl', '--append', '--store', '--out', 'plain.index']],
    ['an unknown format', ['index', sampleFolder, '--out', 'x.index', '--format', 'xml']],
    ['no question', ['search', 'sample.index']],
    ['a question of several arguments', ['search', 'sample.index', 'why', 'bread']],
    ['no collection', ['eval']],
    ['a name that no collection has', ['eval', 'cranfield']],
    ['a subset that BRIGHT does not have', ['eval', 'bright:astrology']],
    ['no judgements', ['compare', 'bm25.trec', 'rm3.trec']],
    ['one run to compare', ['compare', 'bm25.trec', '--qrels', qrels]],
    ['an unknown scoring', ['eval', sample, '--scoring', 'tfidf']],
    ['an unknown combination', ['eval', sample, '--combine', 'sum']],
    ['a combination out of range', ['eval', sample, '--combine', 'interpolate:1.5']],
    ['an unknown measure', ['eval', sample, '--measures', 'ndcg@10,beauty']],
    [
      'an unknown measure to compare by',
      ['compare', 'bm25.trec', 'rm3.trec', '--qrels', qrels, '--measures', 'x'],
    ],
    ['an unknown reasoner', ['eval', sample, '--reasoner', 'oracle']],
    ['a reasoner named twice', ['eval', sample, '--reasoner', 'rm3', '--reasoner', 'rm3']],
    ['one run of two reasoners', ['eval', sample, '--reasoner', 'rm3', '--reasoner', 'none', '--run', 'x']],
    ['a log without an index', ['eval', 'log:queries.jsonl']],
    ['a log with an index that is not there', ['eval', 'log:queries.jsonl', '--index', 'none.index']],
    ['an unknown analyzer', ['eval', sample, '--analyzer', 'klingon']],
    ['no hits at all', ['search', 'sample.index', question, '-k', '0']],
    ['rm3 without an index', ['reason', question, '--reasoner', 'rm3']],
    ['term weights to concatenate', ['eval', sample, '--reasoner', 'rm3', '--combine', 'concat:1']],
  ])('for %s', async (_, args) => {
    const { code, stdout, stderr } = await quern(args, { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toBe('');
    expect(stderr).not.toContain('    at ');
    expect(existsSync(join(cwd, 'x.index'))).toBe(false);
  });
});

describe('an option of index before a command under it', () => {
  it.each([
    ['--out', 'quern index delete', ['index', '--out', 'x.index', 'delete', 'sample.index', 'd1']],
    ['--store', 'quern index info', ['index', '--store', 'info', 'sample.index']],
    ['--json', 'quern index info … --json', ['index', '--json', 'info', 'sample.index']],
  ])('is wrong usage: %s', async (option, said, args) => {
    const { code, stdout, stderr } = await quern(args, { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^quern: ${option}: `));
    expect(stderr).toContain(said);
  });
});

describe('a failure exits with 1 and says where', () => {
  beforeAll(() => {
    writeFileSync(join(cwd, 'malformed.jsonl'), '{"_id": "a", "text": "one"}\n{"_id": "b", "text": \n');
    writeFileSync(join(cwd, 'repeated.jsonl'), '{"_id": "a", "text": "one"}\n{"_id": "a", "text": "two"}\n');
    writeFileSync(join(cwd, 'malformed.trec'), 'q1 Q0 d1 1 2.5 tag\nq1 Q0 d2 2 high tag\n');
    writeFileSync(join(cwd, 'list.json'), '["not an object"]');
    mkdirSync(join(cwd, 'occupied'));
    writeFileSync(join(cwd, 'occupied/diary.txt'), 'precious');
    for (const name of ['short.index', 'flipped.index']) {
      cpSync(join(cwd, 'sample.index'), join(cwd, name), { recursive: true });
    }
    const file = readdirSync(join(cwd, 'sample.index')).find((name) => name.startsWith('segment-'))!;
    const bytes = readFileSync(join(cwd, 'sample.index', file));
    writeFileSync(join(cwd, 'short.index', file), bytes.subarray(0, bytes.length / 2));
    bytes[200]! ^= 0xff;
    writeFileSync(join(cwd, 'flipped.index', file), bytes);
  });

  it.each([
    ['a missing corpus', ['index', 'none.jsonl', '--out', 'x.index'], 'none.jsonl'],
    ['a malformed corpus', ['index', 'malformed.jsonl', '--out', 'x.index'], 'malformed.jsonl:2'],
    ['a repeated id', ['index', 'repeated.jsonl', '--out', 'x.index'], 'repeated.jsonl:2'],
    ['a folder with other things', ['index', sampleFolder, '--out', 'occupied'], 'occupied'],
    ['a missing index', ['search', 'none.index', question], 'none.index'],
    ['a missing index to add to', ['index', sampleFolder, '--append', '--out', 'x.index'], 'x.index'],
    ['a missing index to delete from', ['index', 'delete', 'none.index', 'a'], 'none.index'],
    ['ids that no document has', ['index', 'delete', 'sample.index', 'a', 'b'], 'any of these 2 ids'],
    ['a corrupt index to verify', ['index', 'info', 'flipped.index', '--verify'], 'flipped.index'],
    ['a cut index', ['search', 'short.index', question], 'short.index'],
    ['a corrupt index', ['search', 'flipped.index', question], 'flipped.index'],
    ['a missing collection', ['eval', 'beir:nowhere'], 'nowhere'],
    ['a missing split', ['eval', sample, '--split', 'train'], 'train'],
    ['a missing reasoner file', ['eval', sample, '--reasoner', 'file:none.json'], 'none.json'],
    ['a malformed reasoner file', ['eval', sample, '--reasoner', 'file:list.json'], 'list.json'],
    [
      'a reasoner file that lacks the query',
      ['search', 'sample.index', question, '--reasoner', 'file:few.json'],
      question,
    ],
    [
      'a reasoner file that lacks a topic',
      ['eval', sample, '--reasoner', 'file:few.json'],
      'few.json: no reasoned query',
    ],
    [
      'an index of another analyzer',
      ['eval', sample, '--index', 'sample.index', '--analyzer', 'whitespace'],
      'english',
    ],
    ['a missing run', ['compare', 'none.trec', 'rm3.trec', '--qrels', qrels], 'none.trec'],
    ['a malformed run', ['compare', 'malformed.trec', 'rm3.trec', '--qrels', qrels], 'malformed.trec:2'],
    ['missing judgements', ['compare', 'bm25.trec', 'rm3.trec', '--qrels', 'none.tsv'], 'none.tsv'],
  ])('for %s', async (_, args, said) => {
    const { code, stdout, stderr } = await quern(args, { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^quern: /);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('unexpected error');
    expect(readdirSync(cwd).filter((name) => name.startsWith('x.index'))).toEqual([]);
    expect(readdirSync(join(cwd, 'occupied'))).toEqual(['diary.txt']);
  });
});

describe('what is said of a name with control characters', () => {
  const name = 'none\n\u001b[31m\u009b\r.index';

  it('has none of them, and is on one line', async () => {
    const { code, stderr } = await quern(['search', name, question], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^quern: none\ufffd\ufffd\[31m\ufffd\ufffd\.index: no index here[^\n]*\n$/);
  });

  it('cannot steer the terminal where the name is that of an option', async () => {
    const { code, stderr } = await quern(['search', `--${name}`], { cwd });
    expect(code).toBe(2);
    expect(stderr).not.toMatch(/[^\P{Cc}\n]/u);
    expect(stderr).toContain('none');
  });
});

describe('an index that is changed', () => {
  interface Info {
    readonly documents: number;
    readonly deleted: number;
    readonly terms: number;
    readonly segments: readonly object[];
  }
  const info = (): Promise<Info> => quernJson<Info>(['index', 'info', 'live.index', '--verify'], { cwd });

  it('gets what is appended, all or nothing, and loses what is deleted, with a warning for what it lacks', async () => {
    await quernJson(['index', 'one.jsonl', '--out', 'live.index', '--store'], { cwd });
    writeFileSync(join(cwd, 'two.jsonl'), '{"_id": "b", "text": "more"}\n{"_id": "c", "text": "three"}\n');
    const appending = ['index', 'two.jsonl', '--append', '--out', 'live.index'];
    expect(await quernJson(appending, { cwd })).toMatchObject({ added: 1, replaced: 1, documents: 3 });
    expect(await info()).toMatchObject({ documents: 3, terms: 3, stored: true, verified: true });

    const before = readdirSync(join(cwd, 'live.index'));
    writeFileSync(join(cwd, 'twice.jsonl'), '{"_id": "d", "text": "x"}\n{"_id": "d", "text": "y"}\n');
    const refused = await quern(['index', 'twice.jsonl', '--append', '--out', 'live.index'], { cwd });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('twice.jsonl:2');
    expect(readdirSync(join(cwd, 'live.index'))).toEqual(before);

    writeFileSync(join(cwd, 'ids.txt'), 'c\n\nnone\n');
    const deleting = ['index', 'delete', 'live.index', 'a', '--from', 'ids.txt'];
    expect(await quernJson(deleting, { cwd })).toMatchObject({
      deleted: 2,
      documents: 1,
      warnings: [{ count: 1, first: '"none"' }],
    });
    expect(await info()).toMatchObject({ documents: 1, deleted: 0, terms: 1 });
  });

  it('is built from a corpus called as a command is, by its path', async () => {
    cpSync(join(cwd, 'one.jsonl'), join(cwd, 'info/corpus.jsonl'));
    const { documents } = await quernJson<Info>(['index', './info', '--out', 'info.index'], { cwd });
    expect(documents).toBe(2);
  });
});

describe.skipIf(process.platform === 'win32')('Ctrl-C while an index is built', () => {
  const corpus = join(cwd, 'long/corpus.jsonl');
  beforeAll(async () => {
    cpSync(sampleFolder, join(cwd, 'long'), { recursive: true });
    const passages = readFileSync(corpus, 'utf8').trim().split('\n');
    // Long enough that it is stopped while documents are read.
    const lines = createWriteStream(corpus);
    for (let i = 0; i < 60_000; i++) {
      const passage = JSON.parse(passages[i % passages.length]!) as object;
      if (!lines.write(`${JSON.stringify({ ...passage, _id: `d${i}` })}\n`)) await once(lines, 'drain');
    }
    lines.end();
    await once(lines, 'close');
  });

  it.each([
    ['index', ['index', 'long', '--out', 'stopped/long.index']],
    ['eval, building in a folder', ['eval', 'beir:long', '--index', 'stopped/long.index']],
    ['eval, building for the moment', ['eval', 'beir:long']],
  ])('stops %s, leaves nothing behind and exits with 1', async (_, args) => {
    const stopped = join(cwd, 'stopped');
    mkdirSync(stopped, { recursive: true });
    const child = startQuern(args, { cwd, env: { TMPDIR: stopped } });
    const end = finished(child);
    while (readdirSync(stopped).length === 0 && child.exitCode === null) await wait(5);
    expect(readdirSync(stopped)).not.toEqual([]);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await end;
    expect({ code, stdout, left: readdirSync(stopped) }).toEqual({ code: 1, stdout: '', left: [] });
    expect(stderr).toContain('stop');
  });
});

describe('a reader that goes away', () => {
  it('ends the demo well, with nothing left behind', async () => {
    const left = join(cwd, 'left');
    mkdirSync(left, { recursive: true });
    const child = startQuern(['demo'], { cwd, env: { TMPDIR: left } });
    child.stdout!.once('data', () => child.stdout!.destroy());
    const [code] = (await once(child, 'exit')) as [number];
    expect({ code, left: readdirSync(left) }).toEqual({ code: 0, left: [] });
  });
});

/** JSON without what the clock says. */
function timeless(json: string): string {
  return JSON.stringify(
    JSON.parse(json, (key, value: unknown) => (key === 'milliseconds' ? undefined : value)),
  );
}
