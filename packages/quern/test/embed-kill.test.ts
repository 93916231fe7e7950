/** A corpus that is embedded by processes that are killed, whenever: what was embedded is not embedded again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { listVectorIndexes } from '../src/dense/vector-manifest.ts';
import { VectorIndex } from '../src/dense/vector-index.ts';
import { IndexBuilder } from '../src/lexical/index-builder.ts';
import { analyzerNamed } from '../src/text/analyzers.ts';
import { temporaryFolder } from './temporary-folder.ts';

const documents = 4000;
/** Texts that are embedded at once: what a kill can lose. */
const batch = 256;
const folder = temporaryFolder();
const index = join(folder, 'index');

const child = (embedCorpus: string): string => `
import { writeSync } from 'node:fs';
import { embedCorpus } from ${JSON.stringify(embedCorpus)};
const say = (word, value) => writeSync(1, word + ' ' + value + '\\n');
const corpus = {
  kind: 'text',
  async *documents() {
    for (let i = 0; i < ${documents}; i++) yield { where: 'd' + i, document: { id: 'd' + i, title: '', text: 'text ' + i } };
  },
};
const embedder = {
  id: 'slow', dimensions: 8, contentHash: 'ab'.repeat(32), isNormalized: false, maxTokens: 20,
  async embed(texts) {
    say('begin', texts.length);
    await new Promise((resolve) => setTimeout(resolve, 30));
    return texts.map((text) => Float32Array.from({ length: 8 }, (_, i) => Math.sin(1 + i * Number(text.slice(5)))));
  },
  async close() {},
};
const { vectors } = await embedCorpus(corpus, { folder: process.argv[2], embedder });
say('end', vectors);
`;

it('goes on where it was, after each kill, and is whole or not there', { timeout: 120_000 }, async () => {
  const script = join(folder, 'embed.mjs');
  await writeFile(
    script,
    child(pathToFileURL(join(import.meta.dirname, '../dist/dense/embed-corpus.js')).href),
  );
  const builder = await IndexBuilder.create({ out: index, analyzer: analyzerNamed('whitespace') });
  for (let i = 0; i < documents; i++)
    await builder.add({ id: `d${i}`, title: '', text: `text ${i}` }, 'here');
  await builder.finish();
  let embedded = 0;
  let kills = 0;
  for (let isWhole = false; !isWhole;) {
    const running = spawn(process.execPath, [script, index], { stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = once(running, 'close');
    // Each is killed a little later than the one before, in a batch, between two, or while the vectors are written.
    let batches = 0;
    for await (const line of createInterface(running.stdout)) {
      const [word, count] = line.split(' ');
      if (word === 'end') isWhole = Number(count) === documents;
      else embedded += Number(count);
      if (word === 'begin' && ++batches === 3) setTimeout(() => running.kill('SIGKILL'), kills * 7);
    }
    await closed;
    if (isWhole) break;
    kills++;
    expect(kills).toBeLessThan(60);
    expect(await listVectorIndexes(index)).toEqual([]);
  }
  expect(kills).toBeGreaterThan(3);
  expect(embedded).toBeLessThanOrEqual(documents + kills * batch);
  const [{ folder: made }] = await listVectorIndexes(index);
  const vectors = await VectorIndex.open(made);
  expect([vectors.documents, vectors.vectors]).toEqual([documents, documents]);
  await vectors.verify();
  await vectors.close();
  expect((await readdir(index)).filter((name) => name.includes('.journal'))).toEqual([]);
});
