import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { QuernError } from '../errors.ts';
import { compareHits } from './ranking-order.ts';
import type { Hit, Qrels, Run, Topic } from './records.ts';
import { float32Text } from './trec-run.ts';
import {
  readTrecQrels,
  readTrecRun,
  readTrecTopics,
  writeTrecQrels,
  writeTrecRun,
  writeTrecTopics,
} from './trec.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quern-trec-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
/** The path of a new file with these contents. */
async function file(contents: string | Uint8Array, suffix = '.txt'): Promise<string> {
  const path = join(folder, `${++files}${suffix}`);
  await writeFile(path, contents);
  return path;
}

/** What `action` throws. */
async function thrown(action: Promise<unknown>): Promise<QuernError> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(QuernError);
  return error as QuernError;
}

const readers = { qrels: readTrecQrels, run: readTrecRun, topics: readTrecTopics };

describe('qrels', () => {
  it('are read whatever white space separates them, without comments and blank lines', async () => {
    const path = await file('# judged twice\n1 0 a 2\r\n\n  1\tQ0\tb \t -1  \n#\n2 0 é\u00a0x +3');
    expect(await readTrecQrels(path)).toEqual(
      new Map([
        [
          '1',
          new Map([
            ['a', 2],
            ['b', -1],
          ]),
        ],
        ['2', new Map([['é\u00a0x', 3]])],
      ]),
    );
  });

  it('are read from gzip files, of several members too', async () => {
    const path = await file(Buffer.concat([gzipSync('1 0 a 1\n1 0 b'), gzipSync(' 0\n')]), '.gz');
    expect(await readTrecQrels(path)).toEqual(
      new Map([
        [
          '1',
          new Map([
            ['a', 1],
            ['b', 0],
          ]),
        ],
      ]),
    );
  });

  it.each([
    ['three fields', '1 0 a 1\n1 0 b\n', 2, '3 fields'],
    ['five fields', '1 0 a 1 x\n', 1, '5 fields'],
    ['a level that is no number', '# x\n1 0 a yes\n', 2, '"yes"'],
    ['a level with a fraction', '1 0 a 1.5\n', 1, '"1.5"'],
    ['a level beyond all integers', `1 0 a ${'9'.repeat(20)}\n`, 1, '"9999'],
    [
      'a document that is judged twice',
      '1 0 a 1\n2 0 a 1\n1 0 a 1\n',
      3,
      'document a is judged twice for topic 1',
    ],
    ['a null character', '1 0 a\0 1\n', 1, 'null'],
  ])('with %s are refused, with the place', async (_name, contents, line, what) => {
    const path = await file(contents);
    const error = await thrown(readTrecQrels(path));
    expect(error.code).toBe('BAD_INPUT');
    expect(error.where).toBe(`${path}:${line}`);
    expect(error.message).toContain(what);
  });
});

describe('runs', () => {
  it('are ordered by score and id, whatever their ranks, and named by the last tag', async () => {
    const path = await file(
      '2 Q0 x 1 1e-3 old\n1 Q0 a 1 .5 t\n1 Q0 c 2 7. t\n# no\n1 Q0 b 3 +5E-1 new and more\n',
    );
    const run = await readTrecRun(path);
    expect(run.name).toBe('new');
    expect([...run.rankings]).toEqual([
      ['2', [{ id: 'x', score: 0.001, rank: 1 }]],
      [
        '1',
        [
          { id: 'c', score: 7, rank: 1 },
          { id: 'b', score: 0.5, rank: 2 },
          { id: 'a', score: 0.5, rank: 3 },
        ],
      ],
    ]);
  });

  it('may be empty, and then bear the name of their file', async () => {
    expect(await readTrecRun(await file('\n', '.run'))).toEqual({
      name: `${files}.run`,
      rankings: new Map(),
    });
  });

  it.each([
    ['five fields', '1 Q0 a 1 2\n', 1, '5 fields'],
    ['a score that is no number', '1 Q0 a 1 high t\n', 1, '"high"'],
    ['a score of nan', '1 Q0 a 1 nan t\n', 1, '"nan"'],
    ['an endless score', '1 Q0 a 1 1e999 t\n', 1, '"1e999"'],
    [
      'a document that comes twice',
      '1 Q0 a 1 1 t\n1 Q0 b 1 1 t\n1 Q0 a 1 2 t\n',
      3,
      'document a comes twice',
    ],
  ])('with %s are refused, with the place', async (_name, contents, line, what) => {
    const path = await file(contents);
    const error = await thrown(readTrecRun(path));
    expect(error.code).toBe('BAD_INPUT');
    expect(error.where).toBe(`${path}:${line}`);
    expect(error.message).toContain(what);
  });

  it('are written in order, with the shortest scores that keep it', async () => {
    const path = join(folder, 'written.run');
    const hits = [
      { id: 'b', score: 0.1 + 0.2, rank: 7 },
      { id: 'a', score: 0.300_000_001, rank: 8 },
      { id: 'c', score: 12, rank: 9 },
    ];
    await writeTrecRun(path, { name: 'mine', rankings: new Map([['q', hits]]) });
    expect(await readFile(path, 'utf8')).toBe('q Q0 c 1 12 mine\nq Q0 b 2 0.3 mine\nq Q0 a 3 0.3 mine\n');
  });

  it('have scores printed so that every 32-bit value comes back, equal ones alike', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (score) => {
        expect(Math.fround(Number(float32Text(score)))).toBe(score === 0 ? 0 : score);
        expect(float32Text(score)).toMatch(/^-?\d+(\.\d+)?(e[+-]\d+)?$/);
      }),
      { numRuns: 5000 },
    );
    expect(float32Text(0.1)).toBe('0.1');
    expect(float32Text(16_777_217)).toBe('16777216');
  });
});

describe('topics', () => {
  it('are read from tab separated lines, the text with all but its first tab', async () => {
    const path = await file('# id, text\n7\twhat is\tthis? \r\n\nq-1\t# one\n', '.tsv');
    expect(await readTrecTopics(path)).toEqual([
      { id: '7', text: 'what is\tthis?', excluded: [] },
      { id: 'q-1', text: '# one', excluded: [] },
    ]);
  });

  it('are read from the classic format, with the labels and closing tags that TREC used or left out', async () => {
    const path = await file(`<?xml version="1.0"?>
<topics>
<top>
<head> Tipster Topic Description
<num> Number: 051
<dom> Domain: International Economics
<title> Topic:  Airbus Subsidies
<desc> Description:
Not this.
</top>

# between
<top>
<num> Number: 301
<title>
# International
 organized crime < 5
<narr> Narrative:
Nor this.
</top>
<top><num>q3</num><title>on one line</title></top>
</topics>
`);
    expect((await readTrecTopics(path)).map(({ id, text }) => [id, text])).toEqual([
      ['051', 'Airbus Subsidies'],
      ['301', '# International organized crime < 5'],
      ['q3', 'on one line'],
    ]);
  });

  it.each([
    ['a line without a tab', '1\tx\n2 y\n', 2, 'no tab'],
    ['an id with a space', '1 2\tx\n', 1, 'not a topic id'],
    ['no text', '1\t \n', 1, 'no text'],
    ['one id twice', '1\tx\n1\ty\n', 2, 'comes twice'],
    ['a topic that is not closed', '<top>\n<num> 1\n<title> x\n', 3, 'not closed'],
    ['a topic within a topic', '<top>\n<num> 1\n<top>\n', 3, 'within a topic'],
    ['text outside of topics', '<top><num>1<title>x</top>\ny\n', 2, 'outside'],
    ['a topic without number', '<top>\n<title>x\n</top>\n', 3, 'not a topic id'],
    ['a topic without title', '<top>\n<num>3\n</top>\n', 3, 'no text'],
  ])('with %s are refused, with the place', async (_name, contents, line, what) => {
    const path = await file(contents);
    const error = await thrown(readTrecTopics(path));
    expect(error.code).toBe('BAD_INPUT');
    expect(error.where).toBe(`${path}:${line}`);
    expect(error.message).toContain(what);
  });
});

describe('every reader', () => {
  it('drops a byte order mark before the first line', async () => {
    expect([...(await readTrecQrels(await file('\ufeffx 0 d 1'))).keys()]).toEqual(['x']);
    expect([...(await readTrecRun(await file('\ufeffx Q0 d 1 1 t'))).rankings.keys()]).toEqual(['x']);
    expect(await readTrecTopics(await file('\ufeffx\ttext'))).toMatchObject([{ id: 'x' }]);
  });

  it.each(Object.entries(readers))('of %s names the line of invalid UTF-8', async (_name, read) => {
    const path = await file(Buffer.from([0x0a, 0x31, 0xff, 0x0a]));
    expect(await thrown(read(path))).toMatchObject({ code: 'BAD_INPUT', where: `${path}:2` });
  });

  it.each(Object.entries(readers))(
    'of %s tells a missing file, a folder and broken gzip apart',
    async (_name, read) => {
      const whole = gzipSync('# nothing\n'.repeat(1000));
      expect((await thrown(read(join(folder, 'none')))).code).toBe('NOT_FOUND');
      expect((await thrown(read(folder))).code).toBe('IO');
      expect((await thrown(read(await file(whole.subarray(0, 30), '.gz')))).code).toBe('CORRUPT_FILE');
      expect((await thrown(read(await file('', '.gz')))).code).toBe('CORRUPT_FILE');
    },
  );

  it.each(Object.entries(readers))(
    'of %s gives records or a QuernError for any bytes',
    async (_name, read) => {
      const word = fc.constantFrom(
        '1',
        'Q0',
        'doc',
        '0.5',
        '-1',
        '#',
        '<top>',
        '</top>',
        '<num>',
        '<title>',
        '\ufeff',
        'é',
      );
      const text = fc
        .array(fc.tuple(word, fc.constantFrom(' ', '\t', '\n', '\r\n', '')), { maxLength: 40 })
        .map((pairs) => Buffer.from(pairs.flat().join('')));
      const bytes = fc.oneof(text, fc.uint8Array({ maxLength: 200 }));
      await fc.assert(
        fc.asyncProperty(bytes, fc.constantFrom('plain', 'gzip', 'broken'), async (contents, how) => {
          const path = join(folder, `fuzz${how === 'plain' ? '' : '.gz'}`);
          await writeFile(path, how === 'gzip' ? gzipSync(contents) : contents);
          const outcome: unknown = await read(path).catch((error: unknown) => error);
          expect(outcome instanceof QuernError || !(outcome instanceof Error)).toBe(true);
        }),
        { numRuns: 300 },
      );
    },
  );
});

function hit(id: string, score = 1): Hit {
  return { id, score, rank: 1 };
}

function topicOf(id: string, text: string): Topic {
  return { id, text, excluded: [] };
}

/** What writes a run of one topic. */
function runWriter(name: string, topicId: string, ...hits: Hit[]) {
  return (path: string) => writeTrecRun(path, { name, rankings: new Map([[topicId, hits]]) });
}

/** A run as its reader must give it back. */
function asRead({ name, rankings }: Run) {
  const topics = Array.from(rankings, ([id, hits]) => [
    id,
    hits.map(({ id: document, score, rank }) => [document, Math.fround(score) + 0, rank]),
  ]);
  return { name, topics };
}

describe('what is written', () => {
  const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
  const field = word.filter((text) => !/[ \t\n\v\f\r\0]/.test(text));
  const first = field.filter((text) => !/^[#\ufeff]/.test(text));
  const suffix = fc.constantFrom('', '.gz');

  it('as qrels is read again', async () => {
    const levels = fc.dictionary(field, fc.integer({ min: -1, max: 1000 }), {
      minKeys: 1,
      noNullPrototype: true,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(first, levels), { maxLength: 5 }),
        suffix,
        async (topics, ending) => {
          const path = join(folder, `again.qrels${ending}`);
          const qrels: Qrels = new Map(topics.map(([topic, byId]) => [topic, new Map(Object.entries(byId))]));
          await writeTrecQrels(path, qrels);
          expect(await readTrecQrels(path)).toEqual(qrels);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('as a run is read again, in the same order, with the scores as 32-bit floats', async () => {
    const scores = fc.dictionary(
      field,
      fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.nat(3)),
      {
        minKeys: 1,
        noNullPrototype: true,
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(first, scores), { maxLength: 5 }),
        field,
        suffix,
        async (topics, name, ending) => {
          const path = join(folder, `again.run${ending}`);
          const rankings = new Map(
            topics.map(([id, byId]) => {
              const hits = Object.entries(byId).map(([document, score]) => hit(document, score));
              return [
                id,
                hits.sort(compareHits).map((one, i) => ({ id: one.id, score: one.score, rank: i + 1 })),
              ];
            }),
          );
          const written: Run = { name: rankings.size === 0 ? `again.run${ending}` : name, rankings };
          await writeTrecRun(path, written);
          expect(asRead(await readTrecRun(path))).toEqual(asRead(written));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('as topics is read again', async () => {
    const id = first.filter((text) => !/\s|^</.test(text));
    const text = fc
      .string({ unit: 'binary' })
      .map((raw) => raw.replace(/[\n\0]/g, ' ').trim())
      .filter((raw) => raw !== '');
    const topics = fc.uniqueArray(fc.record({ id, text, excluded: fc.constant([]) }), {
      selector: (one) => one.id,
    });
    await fc.assert(
      fc.asyncProperty(topics, suffix, async (list, ending) => {
        const path = join(folder, `again.topics${ending}`);
        await writeTrecTopics(path, list);
        expect(await readTrecTopics(path)).toEqual(list);
      }),
      { numRuns: 150 },
    );
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ['a document id with a space', runWriter('t', '1', hit('a b'))],
    ['a document id with a null character', runWriter('t', '1', hit('a\0'))],
    ['an empty document id', runWriter('t', '1', hit(''))],
    ['half of a character in an id', runWriter('t', '1', hit('\ud835'))],
    ['a topic id with a tab', runWriter('t', '1\t', hit('a'))],
    ['a topic id that reads as a comment', runWriter('t', '#1', hit('a'))],
    ['a name with white space', runWriter('my run', '1', hit('a'))],
    ['an empty name', runWriter('', '1', hit('a'))],
    ['a score that is not a number', runWriter('t', '1', hit('a', NaN))],
    ['a score beyond 32-bit floats', runWriter('t', '1', hit('a', 1e39))],
    ['a document that comes twice', runWriter('t', '1', hit('a'), hit('a', 2))],
    ['a level with a fraction', (path) => writeTrecQrels(path, new Map([['1', new Map([['a', 0.5]])]]))],
    ['qrels with a space in an id', (path) => writeTrecQrels(path, new Map([['1', new Map([['a b', 1]])]]))],
    ['a topic of two lines', (path) => writeTrecTopics(path, [topicOf('1', 'a\nb')])],
    ['a blank topic', (path) => writeTrecTopics(path, [topicOf('1', ' ')])],
    ['a topic id like a tag', (path) => writeTrecTopics(path, [topicOf('<top>', 'x')])],
    ['two topics of one id', (path) => writeTrecTopics(path, [topicOf('1', 'x'), topicOf('1', 'y')])],
  ])('never has %s: that is an error before anything is written', async (_name, write) => {
    const path = join(folder, 'refused', 'file');
    await mkdir(join(folder, 'refused'), { recursive: true });
    await writeFile(path, 'old');
    expect((await thrown(write(path))).code).toBe('BAD_INPUT');
    expect(await readdir(join(folder, 'refused'))).toEqual(['file']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('leaves nothing behind where it cannot be put in place', async () => {
    const place = join(folder, 'place');
    await mkdir(join(place, 'run', 'full'), { recursive: true });
    expect((await thrown(runWriter('t', '1', hit('a'))(join(place, 'run')))).code).toBe('IO');
    expect(await readdir(place)).toEqual(['run']);
    expect((await thrown(runWriter('t', '1', hit('a'))(join(place, 'none', 'run')))).code).toBe('NOT_FOUND');
    const below = join(await file('a file'), 'run');
    expect((await thrown(runWriter('t', '1', hit('a'))(below))).code).toBe('IO');
  });
});

/** The path of a file of the tests of trec_eval. */
const trecEval = (name: string) => dataPath(`reference/trec_eval/test/${name}`);

describe.skipIf(!sharedData)('the files of the tests of trec_eval', () => {
  it('are read whole', async () => {
    const plain = await readTrecQrels(trecEval('qrels.test'));
    expect([...plain].map(([id, judgements]) => [id, judgements.size])).toEqual([
      ['301', 1708],
      ['302', 1061],
      ['303', 912],
    ]);
    const commented = await readTrecQrels(trecEval('qrels.test.with-comments'));
    expect(commented.get('301')?.has('CR#93E-1860')).toBe(true);
    expect([...commented.values()].map(({ size }) => size)).toEqual([1708, 1061, 912]);

    const run = await readTrecRun(trecEval('results.test'));
    expect(run.name).toBe('STANDARD');
    expect([...run.rankings].map(([id, hits]) => [id, hits.length])).toEqual([
      ['301', 500],
      ['302', 500],
      ['303', 500],
    ]);
    const large = await readTrecRun(trecEval('results.comment.test'));
    expect([large.name, large.rankings.size]).toEqual(['comment.test', 301]);
  });
});
