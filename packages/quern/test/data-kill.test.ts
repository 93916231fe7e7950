/** A data folder whose process is killed while it receives and builds, whenever: all in it is old or new, and whole. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openIndexVectors } from '../src/dense/index-vectors.ts';
import { LexicalIndex } from '../src/lexical/lexical-index.ts';
import { DataFolder } from '../src/serve/data/data-folder.ts';
import { hashedEmbedder } from './hashed-embedder.ts';
import { temporaryFolder } from './temporary-folder.ts';

const kills = 30;
const documents = 400;
const folder = temporaryFolder();
const path = join(folder, 'data');
const module = pathToFileURL(join(import.meta.dirname, '../dist/serve/data/data-folder.js')).href;

/** Every turn sends a corpus, all of whose documents name the turn, builds an index of it, with vectors, and another one anew. */
const child = (): string => `
import { writeSync } from 'node:fs';
import { DataFolder } from ${JSON.stringify(module)};
const [, , path, from] = process.argv;
const say = (word, value) => writeSync(1, word + ' ' + value + '\\n');
const embedder = {
  ...${JSON.stringify((({ id, dimensions, contentHash, isNormalized, maxTokens }) => ({ id, dimensions, contentHash, isNormalized, maxTokens }))(hashedEmbedder()))},
  async embed(texts) { return texts.map((text) => Float32Array.from({ length: 24 }, (_, i) => 1 + ((text.length * (i + 3)) % 7))); },
  async close() {},
};
const data = await DataFolder.open(path);
say('opened', 0);
for (let turn = Number(from); ; turn++) {
  async function* bytes() {
    for (let i = 0; i < ${documents}; i++) {
      yield Buffer.from(JSON.stringify({ _id: 'd' + i, text: 'turn' + turn + ' ' + 'word '.repeat(200) }) + '\\n');
    }
  }
  say('receive', turn);
  await data.corpora.receive('notes', 'corpus.jsonl', bytes());
  say('received', turn);
  if (turn % 5 === 4) {
    await data.indexes.delete('all').catch(() => undefined);
    say('deleted', turn);
  }
  say('build', turn);
  const { id } = await data.indexes.build({ index: 'all', corpus: 'notes', store: true, dense: embedder });
  for await (const { state, error } of data.builds.watch(id)) if (state === 'failed') throw new Error(error.message);
  say('built', turn);
}`;

/** The turn that all documents of a corpus's text name; throws where they do not name one and the same. */
function turnOf(said: string): number {
  const turns = new Set(Array.from(said.matchAll(/turn(\d+)/g), ([, turn]) => Number(turn)));
  const [turn] = turns;
  if (turns.size !== 1) throw new Error(`a corpus of ${turns.size} turns`);
  return turn!;
}

it(`holds the old or the new after each of ${kills} kills, and nothing besides`, async () => {
  const script = join(folder, 'service.mjs');
  await writeFile(script, child());
  // What was last said to be done, and what may have been since.
  const received = { done: -1, begun: -1 };
  const built = { done: -1, begun: -1 };
  let mayBeGone = true;
  let killedReceiving = 0;
  let killedBuilding = 0;
  for (let kill = 0; kill < kills; kill++) {
    const from = Math.max(received.begun, built.begun) + 1;
    const running = spawn(process.execPath, [script, path, String(from)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void running.kill('SIGKILL'));
    const lines = createInterface({ input: running.stdout });
    const closed = once(lines, 'close');
    // While it receives, in every second turn after an index was built, or while it builds.
    const [awaited, times, most] =
      kill % 2 === 1 ? ['build', 1, 1500] : ['receive', 1 + ((kill / 2) % 2), 80];
    let heard = 0;
    const isTime = new Promise<void>((resolve) => {
      lines.on('line', (line) => {
        if (line.startsWith(`${awaited} `) && ++heard === times) resolve();
      });
    });
    lines.on('line', (line) => {
      const [word, value] = line.split(' ');
      const turn = Number(value);
      if (word === 'receive') received.begun = turn;
      if (word === 'received') received.done = turn;
      // It may be killed before it says that it is deleted.
      if (word === 'received' && turn % 5 === 4) mayBeGone = true;
      if (word === 'build') built.begun = turn;
      if (word === 'built') {
        built.done = turn;
        mayBeGone = false;
      }
    });
    await Promise.race([isTime, closed]);
    expect(running.exitCode).toBeNull();
    await wait((kill * 0.37 * most) % most);
    running.kill('SIGKILL');
    await closed;
    const left = [...(await readdir(join(path, 'corpora'))), ...(await readdir(join(path, 'indexes')))];
    if (left.some((name) => name.startsWith('.notes.'))) killedReceiving++;
    if (left.some((name) => name.startsWith('.all.'))) killedBuilding++;

    const data = await DataFolder.open(path);
    try {
      const isReceived = received.done >= 0 || (await data.corpora.list()).length > 0;
      if (isReceived) received.done = await turnOfCorpus(data, received);
      const isBuilt = !mayBeGone || (await data.indexes.names()).length > 0;
      if (isBuilt) built.done = await turnOfIndex(data, built);
    } finally {
      await data.close();
    }
    expect((await readdir(path)).sort()).toEqual(['corpora', 'indexes']);
    const after = await readdir(path, { recursive: true });
    expect(after.filter((name) => /(?:^|\/)\.|partial|journal|\.lock/.test(name))).toEqual([]);
  }
  // The kills hit what they were meant to hit.
  expect(killedReceiving).toBeGreaterThan(0);
  expect(killedBuilding).toBeGreaterThan(0);
  expect(built.done).toBeGreaterThan(3);
});

/** The turn that was last done, or has begun since. */
interface Turns {
  readonly done: number;
  readonly begun: number;
}

/** The turn of the corpus, which is whole and one of these. */
async function turnOfCorpus(data: DataFolder, { done, begun }: Turns): Promise<number> {
  expect(await data.corpora.get('notes')).toMatchObject({ documents, files: [{ records: documents }] });
  const corpus = await readFile(join(path, 'corpora/notes/corpus.jsonl'), 'utf8');
  expect(corpus.split('\n')).toHaveLength(documents + 1);
  const turn = turnOf(corpus);
  expect([done, begun]).toContain(turn);
  return turn;
}

/** The turn of the index, which is whole, vectors too, and one of these. */
async function turnOfIndex(data: DataFolder, { done, begun }: Turns): Promise<number> {
  return data.indexes.open('all', async (at) => {
    const index = await LexicalIndex.open(at);
    const vectors = await openIndexVectors(hashedEmbedder(), { index, folder: at });
    try {
      expect([index.facts.documents, vectors.vectors.documents]).toEqual([documents, documents]);
      await vectors.vectors.verify();
      const stored = await Promise.all(['d0', `d${documents - 1}`].map((id) => index.document(id)));
      const turn = turnOf(stored.map((each) => each!.text).join(' '));
      expect(index.search(new Map([[`turn${turn}`, 1]]), { k: 1000 })).toHaveLength(documents);
      expect([done, begun]).toContain(turn);
      return turn;
    } finally {
      await vectors.vectors.close();
      await index.close();
    }
  });
}

it('leaves nothing, and the old, where the disk takes no more in the middle', async () => {
  const script = join(folder, 'full.mjs');
  await writeFile(
    script,
    `import { DataFolder } from ${JSON.stringify(module)};
    const data = await DataFolder.open(process.argv[2]);
    const received = (lines) => data.corpora.receive('notes', 'corpus.jsonl', (async function* () {
      for (let i = 0; i < lines; i++) yield Buffer.from(JSON.stringify({ _id: 'd' + i, text: 'w' + i + ' v' + i }) + '\\n');
    })());
    const built = async () => {
      const { id } = await data.indexes.build({ index: 'all', corpus: 'notes', store: true });
      for await (const { state, error } of data.builds.watch(id)) if (state !== 'running') return error?.code ?? state;
    };
    const outcomes = [];
    await received(100);
    outcomes.push(await built());
    outcomes.push(await received(2000).then(() => 'received', ({ code }) => code));
    await received(700);
    outcomes.push(await built());
    outcomes.push((await data.indexes.get('all')).documents, (await data.corpora.get('notes')).documents);
    await data.close();
    console.log(JSON.stringify(outcomes));`,
  );
  const at = join(folder, 'full');
  // No file may have more than 32 KiB.
  const limited = ['-c', 'ulimit -f 32 && exec "$0" "$@"', process.execPath, script, at];
  const running = spawn('bash', limited, { stdio: ['ignore', 'pipe', 'inherit'] });
  expect(JSON.parse(await text(running.stdout))).toEqual(['done', 'DISK_FULL', 'DISK_FULL', 100, 700]);
  const after = await readdir(at, { recursive: true });
  expect(after.filter((name) => /(?:^|\/)\.|partial|service/.test(name))).toEqual([]);
});
