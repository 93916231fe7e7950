import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { QuernError } from '../errors.ts';
import type { Analyzer } from '../text/analyzer.ts';
import { IndexBuilder, type BuildOptions, type BuildSummary } from './index-builder.ts';
import { IndexFile } from './index-file.ts';
import { LexicalIndex } from './lexical-index.ts';
import { compiledSources } from '../../test/compiled-sources.ts';
import { segmentFileOf } from '../../test/segment-file.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quern-index-builder-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Splits at single blanks, in slices of the text. */
const blanks: Analyzer = {
  name: 'blanks',
  terms: (text) => text.split(' ').filter((term) => term !== ''),
  spans: () => [],
};

function builderFor(out: string, options: Partial<BuildOptions> = {}): Promise<IndexBuilder> {
  return IndexBuilder.create({ out, analyzer: blanks, ...options });
}

/** Builds an index of these texts, whose ids are d0, d1, … */
async function build(
  out: string,
  texts: readonly string[],
  options?: Partial<BuildOptions>,
): Promise<BuildSummary> {
  const builder = await builderFor(out, options);
  try {
    for (const [i, text] of texts.entries()) {
      await builder.add({ id: `d${i}`, title: '', text }, `line ${i + 1}`);
    }
  } catch (error) {
    await builder.abandon();
    throw error;
  }
  return builder.finish();
}

async function opened(out: string): Promise<LexicalIndex> {
  const index = await LexicalIndex.open(out);
  onTestFinished(() => index.close());
  return index;
}

async function idsFor(out: string, term: string): Promise<string[]> {
  const index = await opened(out);
  await index.verify();
  return index.search(new Map([[term, 1]]), { k: 100 }).map(({ id }) => id);
}

/** How many stretches of terms in byte order have at most `budget` postings, or one term. */
function passesFor(texts: readonly string[], budget: number): number {
  const frequencies = new Map<string, number>();
  for (const text of texts) {
    for (const term of new Set(text.split(' '))) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
  }
  let passes = 0;
  let room = 0;
  for (const term of [...frequencies.keys()].sort()) {
    const postings = frequencies.get(term)!;
    if (passes === 0 || postings > room) {
      passes++;
      room = budget;
    }
    room -= postings;
  }
  return passes;
}

describe('building', () => {
  it('inverts in as many passes as the postings need, and gives the same file whatever their number', async () => {
    const folder = await temporaryFolder();
    const texts = Array.from({ length: 50 }, (_, i) => `all w${i % 3} w${i % 7} once${i}`);
    const whole = await build(join(folder, 'whole'), texts);
    expect(whole.passes).toBe(1);
    const file = await readFile(await segmentFileOf(join(folder, 'whole')));
    expect(whole.bytes).toBe(file.length);
    // `all` alone has 50 postings; with one posting a pass, every term has a pass of its own.
    for (const postingsPerPass of [1, 2, 7, 20, 25, 50, 51, 100]) {
      const { passes } = await build(join(folder, 'index'), texts, { postingsPerPass });
      expect(passes).toBe(passesFor(texts, postingsPerPass));
      expect(Buffer.compare(await readFile(await segmentFileOf(join(folder, 'index'))), file)).toBe(0);
    }
  });

  it.each([1, 255, 65_536, 0xffff_fffe])('keeps the frequency %d', async (frequency) => {
    const out = join(await temporaryFolder(), 'index');
    const builder = await builderFor(out, { postingsPerPass: 2 });
    const vectors = [new Map([['x', 1], ['y', 7]]), new Map([['x', frequency]]), new Map([['y', 200]])]; // prettier-ignore
    for (const [i, vector] of vectors.entries()) await builder.addVector(`d${i}`, vector, 'here');
    await builder.finish();
    const index = await opened(out);
    await index.verify();
    expect(await index.vector('d1')).toEqual(vectors[1]);
    const file = await IndexFile.open(await segmentFileOf(out));
    onTestFinished(() => file.close());
    const codes = [...(await file.array('posting-codes', 'u16', 4))];
    const frequencies = await file.array('code-frequencies', 'u32', 4);
    const lengths = await file.array('code-lengths', 'u32', 4);
    expect(codes.map((code) => frequencies[code])).toEqual([1, frequency, 7, 200]);
    expect(codes.map((code) => lengths[code])).toEqual([8, frequency, 8, 200]);
    expect([...(await file.array('document-lengths', 'u32', 3))]).toEqual([8, frequency, 200]);
  });

  it('takes a document whose vector is larger than what is read at a time', async () => {
    const out = join(await temporaryFolder(), 'index');
    const builder = await builderFor(out, { postingsPerPass: 300_000 });
    const large = new Map(Array.from({ length: 600_000 }, (_, i) => [`t${i}`, 1 + (i % 9)]));
    const small = new Map([['t17', 3], ['u', 1]]); // prettier-ignore
    const vectors = { before: small, large, after: small, empty: new Map(), last: small };
    for (const [id, vector] of Object.entries(vectors)) await builder.addVector(id, vector, 'here');
    expect((await builder.finish()).passes).toBe(3);
    const index = await opened(out);
    await index.verify();
    for (const [id, vector] of Object.entries(vectors)) {
      const found = await index.vector(id);
      expect(found.size).toBe(vector.size);
      expect([...vector].every(([term, frequency]) => found.get(term) === frequency)).toBe(true);
    }
    const hits = index.search(new Map([['t17', 1]]), { k: 9 });
    expect(hits.map(({ id }) => id).sort()).toEqual(['after', 'before', 'large', 'last']);
    expect(index.documentFrequency('t599999')).toBe(1);
  });

  it('counts the documents added so far', async () => {
    const builder = await builderFor(join(await temporaryFolder(), 'index'));
    expect(builder.documents).toBe(0);
    await builder.addVector('a', new Map(), 'here');
    expect(builder.documents).toBe(1);
    await builder.abandon();
  });

  it('takes half a surrogate pair of a text for U+FFFD, as any file would', async () => {
    const out = join(await temporaryFolder(), 'index');
    await build(out, ['cut \ud83d', 'cut \ufffd', 'whole \u{1f600}']);
    expect(await idsFor(out, '\ufffd')).toEqual(['d1', 'd0']);
    expect(await idsFor(out, '\ud83d')).toEqual([]);
    expect(await idsFor(out, '\u{1f600}')).toEqual(['d2']);
  });
});

describe('a document that is refused', () => {
  it.each([
    ['a repeated id, naming both places', 'a', [['x', 1]], /line 2: .*"a".*line 1/],
    ['an empty id', '', [['x', 1]], /line 2: .*empty id/],
    ['an id that is not valid Unicode', 'b\ud800', [['x', 1]], /line 2: .*valid Unicode/],
    ['a term that is not valid Unicode', 'b', [['x', 1], ['y\udc00', 1]], /line 2: .*valid Unicode/], // prettier-ignore
    ['the frequency 0', 'b', [['x', 1], ['y', 0]], /line 2: .*"y" is 0/], // prettier-ignore
    ['a negative frequency', 'b', [['y', -1]], /line 2: .*"y" is -1/],
    ['a fractional frequency', 'b', [['y', 1.5]], /line 2: .*"y" is 1.5/],
    ['an infinite frequency', 'b', [['y', Infinity]], /line 2: .*"y" is Infinity/],
    ['2^32 tokens', 'b', [['x', 0xffff_ffff], ['y', 1]], /line 2: .*2\^32 tokens/], // prettier-ignore
  ] as [string, string, [string, number][], RegExp][])(
    'for %s leaves no trace',
    async (_, id, vector, message) => {
      const folder = await temporaryFolder();
      const builder = await builderFor(join(folder, 'index'));
      await builder.addVector('a', new Map([['x', 3]]), 'line 1');
      await expect(builder.addVector(id, new Map(vector), 'line 2')).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: expect.stringMatching(message),
      });
      await builder.addVector('z', new Map([['z', 1]]), 'line 3');
      await builder.finish();
      const index = await opened(join(folder, 'index'));
      expect(index.facts).toMatchObject({ documents: 2, terms: 2, postings: 2, tokens: 4 });
      expect(await index.vector('z')).toEqual(new Map([['z', 1]]));
      expect(index.search(new Map([['x', 1]]), { k: 9 })).toHaveLength(1);
    },
  );

  it('for having no text, where texts are stored, is a matter of USAGE', async () => {
    const builder = await builderFor(join(await temporaryFolder(), 'index'), { store: true });
    await expect(builder.addVector('a', new Map(), 'here')).rejects.toMatchObject({ code: 'USAGE' });
    await builder.abandon();
  });
});

describe('the folder of an index', () => {
  it('must not be a file', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'file');
    await writeFile(out, 'precious');
    await expect(builderFor(out)).rejects.toMatchObject({ code: 'ALREADY_EXISTS', where: out });
    expect(await readFile(out, 'utf8')).toBe('precious');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('must not hold other things', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'notes.txt'), 'precious');
    await expect(builderFor(folder)).rejects.toMatchObject({ code: 'ALREADY_EXISTS', where: folder });
    expect(await readdir(folder)).toEqual(['notes.txt']);
    expect((await readdir(dirname(folder))).filter((name) => name.startsWith(`${folder}.partial`))).toEqual(
      [],
    );
  });

  it('must lie in a folder that exists', async () => {
    const folder = await temporaryFolder();
    const missing = join(folder, 'missing');
    await expect(builderFor(join(missing, 'index'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
      where: missing,
    });
    await writeFile(join(folder, 'file'), '');
    await expect(builderFor(join(folder, 'file', 'index'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  it('may be empty', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'index');
    await mkdir(out);
    await build(out, ['x']);
    expect(await idsFor(out, 'x')).toEqual(['d0']);
    expect(await readdir(folder)).toEqual(['index']);
  });

  it('may be a link to a folder, which stays a link: the work is done beside the folder, on its volume', async () => {
    const folder = await temporaryFolder();
    const volume = join(folder, 'volume');
    await mkdir(join(volume, 'target'), { recursive: true });
    await symlink(join(volume, 'target'), join(folder, 'link'), 'junction');
    const builder = await builderFor(join(folder, 'link'));
    expect(await readdir(volume)).toEqual(['target', expect.stringMatching(/^target\.partial-/)]);
    await builder.finish();
    expect(await readdir(join(volume, 'target'))).toEqual(['manifest.json', 'segment-1.quern']);
    expect([await readdir(volume), await readdir(folder)]).toEqual([['target'], ['link', 'volume']]);
  });

  it('that holds an index gets the new one, other files stay, and who has the old one open keeps it', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'index');
    await build(out, ['old old', 'old'], { store: true });
    await writeFile(join(out, 'notes.txt'), 'mine');
    const old = await opened(out);
    await build(out, ['new']);
    expect(await idsFor(out, 'new')).toEqual(['d0']);
    expect(await idsFor(out, 'old')).toEqual([]);
    expect(old.search(new Map([['old', 1]]), { k: 9 })).toHaveLength(2);
    expect(await old.vector('d0')).toEqual(new Map([['old', 2]]));
    expect(await old.document('d1')).toEqual({ title: '', text: 'old' });
    await old.verify();
    expect(await readdir(out)).toEqual(['manifest.json', 'notes.txt', 'segment-2.quern']);
    expect(await readdir(folder)).toEqual(['index']);
  });

  it('holds the old index until the new one is finished', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'index');
    await build(out, ['old']);
    const builder = await builderFor(out);
    await builder.add({ id: 'n', title: '', text: 'new' }, 'here');
    expect(await idsFor(out, 'old')).toEqual(['d0']);
    await builder.abandon();
    expect(await idsFor(out, 'old')).toEqual(['d0']);
    expect(await readdir(folder)).toEqual(['index']);
  });

  it('is asked for before anything is made: bad options leave nothing', async () => {
    const folder = await temporaryFolder();
    for (const postingsPerPass of [0, -1, Number.NaN, 1.5]) {
      await expect(builderFor(join(folder, 'index'), { postingsPerPass })).rejects.toMatchObject({
        code: 'USAGE',
      });
    }
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a build that is stopped', () => {
  it('at any moment leaves nothing new, and the old index intact', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'index');
    await build(out, ['old']);
    let moments = 0;
    for (let stopped = true; stopped; moments++) {
      let asked = 0;
      const signal = {
        get aborted() {
          return asked++ === moments;
        },
      } as AbortSignal;
      const ended = await build(out, ['new a b', 'new c', 'new a'], {
        signal,
        store: true,
        postingsPerPass: 2,
      }).then(
        () => 'finished',
        (error: unknown) => (error instanceof QuernError ? error.code : error),
      );
      stopped = ended === 'ABORTED';
      expect(['ABORTED', 'finished']).toContain(ended);
      expect(await idsFor(out, stopped ? 'old' : 'new')).toHaveLength(stopped ? 1 : 3);
      expect(await readdir(folder)).toEqual(['index']);
    }
    // Three documents were added, rewritten, and inverted in at least two passes.
    expect(moments).toBeGreaterThan(3 + 3 + 3 * 2);
  });

  it('by abandoning it, even twice or after it was finished, does no harm', async () => {
    const folder = await temporaryFolder();
    const builder = await builderFor(join(folder, 'index'));
    await builder.abandon();
    await builder.abandon();
    expect(await readdir(folder)).toEqual([]);
    const finished = await builderFor(join(folder, 'index'));
    await finished.finish();
    await finished.abandon();
    expect(await readdir(join(folder, 'index'))).toEqual(['manifest.json', 'segment-1.quern']);
  });
});

/** A work folder as a build of `out` by the process `pid` has. */
async function leftover(out: string, pid: number, suffix = '0123abcd'): Promise<string> {
  const work = `${out}.partial-${pid}-${suffix}`;
  await mkdir(work);
  await writeFile(join(work, 'pairs'), 'half');
  return work;
}

describe('what a killed build left', () => {
  it('is cleared by the next build when its process is gone, or is our own and no longer builds it', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'index');
    await leftover(out, 2 ** 31 - 1);
    await leftover(out, process.pid);
    await build(out, ['x']);
    expect(await readdir(folder)).toEqual(['index']);
  });

  it('stays when another living process, or another build of ours, is at work on it', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'index');
    const ours = await builderFor(out);
    await ours.addVector('a', new Map([['ours', 1]]), 'here');
    const theirs = await leftover(out, process.ppid);
    await build(out, ['x']);
    expect(await readFile(join(theirs, 'pairs'), 'utf8')).toBe('half');
    await ours.finish();
    expect(await idsFor(out, 'ours')).toEqual(['a']);
  });

  it('is told from folders of similar names, which stay', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'index');
    const names = [
      'index.partial-x-0123abcd',
      'index.partial-2147483647-0123abcdef',
      'index2.partial-2147483647-0123abcd',
    ];
    for (const name of names) await mkdir(join(folder, name));
    await build(out, ['x']);
    expect((await readdir(folder)).sort()).toEqual(['index', ...names].sort());
  });
});

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

describe('a build in a process of its own', () => {
  const compiled = compiledSources();

  /** Starts `script`, which has IndexBuilder, `analyzer` and `out`; with `limit`, no file may exceed so many KiB. */
  async function started(folder: string, script: string, limit?: number): Promise<ChildProcess> {
    const path = join(folder, 'build.mjs');
    const module = compiled('lexical/index-builder.js');
    const out = JSON.stringify(join(folder, 'index'));
    const head = `import { IndexBuilder } from ${JSON.stringify(module)};
      const out = ${out}; const analyzer = { name: 'blanks', terms: (text) => text.split(' ') };`;
    await writeFile(path, head + script);
    const child =
      limit === undefined
        ? spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'] })
        : spawn('bash', ['-c', 'ulimit -f "$0" && exec "$1" "$2"', String(limit), process.execPath, path], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  }

  it('that is killed while documents are added leaves no index, and its leftovers to the next build', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'index');
    const child = await started(
      folder,
      `const builder = await IndexBuilder.create({ out, analyzer });
       await builder.add({ id: 'a', title: '', text: 'half' }, 'here');
       console.log('half');
       setInterval(() => undefined, 1000);`,
    );
    await once(child.stdout!, 'data');
    await killed(child);
    const names = await readdir(folder);
    expect(names).not.toContain('index');
    expect(names.filter((name) => name.startsWith(`index.partial-${child.pid}-`))).toHaveLength(1);
    await build(out, ['whole']);
    expect(await idsFor(out, 'whole')).toEqual(['d0']);
    expect((await readdir(folder)).sort()).toEqual(['build.mjs', 'index']);
  });

  it('that is killed at any moment leaves the old index or the new one, and the next build works', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'index');
    for (let round = 0; round < 6; round++) {
      await build(out, ['generation0']);
      const child = await started(
        folder,
        `for (let generation = 1; ; generation++) {
           const builder = await IndexBuilder.create({ out, analyzer, store: true, postingsPerPass: 500 });
           for (let i = 0; i < 200; i++) {
             await builder.add({ id: 'd' + i, title: '', text: 'generation' + generation + ' w' + i % 9 }, 'here');
           }
           await builder.finish();
           console.log(generation);
         }`,
      );
      let last = 0;
      // Some generations in, and then at whatever moment the scheduler gives.
      for await (const line of createInterface({ input: child.stdout! })) {
        last = Number(line);
        if (last === 2 + round) break;
      }
      await new Promise((done) => setTimeout(done, round));
      await killed(child);
      const index = await opened(out);
      await index.verify();
      const { documents } = index.facts;
      const generations = Array.from({ length: 500 }, (_, generation) => generation);
      const present = generations.filter((each) => index.documentFrequency(`generation${each}`) > 0);
      expect(present).toHaveLength(1);
      expect(present[0]).toBeGreaterThanOrEqual(last);
      expect(documents).toBe(200);
    }
    await build(out, ['last']);
    expect(await idsFor(out, 'last')).toEqual(['d0']);
    expect((await readdir(folder)).sort()).toEqual(['build.mjs', 'index']);
  });

  // The pairs of 30,000 documents of ten terms are 2.4 MiB, the index is larger.
  it.skipIf(process.platform === 'win32').each([
    ['while documents are added', 1500],
    ['while the index is written', 3000],
  ])(
    'that runs out of space %s says DISK_FULL, and leaves the old index and nothing else',
    async (_, limit) => {
      const folder = await temporaryFolder();
      const out = join(folder, 'index');
      for (const before of [[], ['index']]) {
        if (before.length > 0) await build(out, ['old']);
        const child = await started(
          folder,
          `const builder = await IndexBuilder.create({ out, analyzer });
         let where = 'add';
         try {
           const text = 'a b c d e f g h i j';
           for (let i = 0; i < 30000; i++) await builder.add({ id: 'd' + i, title: '', text }, 'here');
           where = 'finish';
           await builder.finish();
         } catch ({ code, message }) {
           if (where === 'add') await builder.abandon();
           console.log(JSON.stringify({ where, code, message }));
         }`,
          limit,
        );
        let said = '';
        child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text));
        await once(child, 'close');
        expect(JSON.parse(said)).toEqual({
          where: limit === 1500 ? 'add' : 'finish',
          code: 'DISK_FULL',
          message: expect.stringContaining('no space left'),
        });
        expect((await readdir(folder)).sort()).toEqual(['build.mjs', ...before]);
      }
      expect(await idsFor(out, 'old')).toEqual(['d0']);
    },
  );
});
