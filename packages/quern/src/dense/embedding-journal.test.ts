import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embedAll, type EmbeddingCounts } from './embed-all.ts';
import type { Embedder } from './embedder.ts';
import { EmbeddingJournal } from './embedding-journal.ts';

const identity = { id: 'test:model', dimensions: 3, contentHash: 'cd'.repeat(32) };

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quern-journal-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function vectorOf(text: string): Float32Array {
  return Float32Array.of(text.length, text.charCodeAt(0) || 0, 0.1);
}

/** Embeds by the letters, and says which texts it was asked for. */
function letterEmbedder(asked: string[]): Embedder {
  return {
    ...identity,
    isNormalized: false,
    embed: (texts) => {
      asked.push(...texts);
      return Promise.resolve(texts.map(vectorOf));
    },
    close: () => Promise.resolve(),
  };
}

async function allOf(vectors: AsyncIterable<Float32Array>): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for await (const vector of vectors) all.push(vector);
  return all;
}

describe('EmbeddingJournal', () => {
  it('gives back the vectors of texts, to the bit, also when opened again', async () => {
    const path = join(await temporary(), 'journal');
    const texts = ['a', 'bc', '', 'ä', '\u{1f600}'];
    const journal = await EmbeddingJournal.open(path, identity);
    await journal.append(texts, texts.map(vectorOf));
    expect(await journal.get('bc')).toEqual(vectorOf('bc'));
    expect(await journal.get('b')).toBeUndefined();
    await journal.close();
    const again = await EmbeddingJournal.open(path, identity);
    expect(again.size).toBe(texts.length);
    for (const text of texts) expect(await again.get(text)).toEqual(vectorOf(text));
    await again.close();
  });

  it('has the whole batches before whichever byte it was cut at, and goes on from there', async () => {
    const path = join(await temporary(), 'journal');
    const batches = [['one', 'two'], ['three'], ['four', 'five', 'six']];
    const ends: number[] = [];
    const journal = await EmbeddingJournal.open(path, identity);
    for (const batch of batches) {
      await journal.append(batch, batch.map(vectorOf));
      ends.push((await readFile(path)).length);
    }
    await journal.close();
    const whole = await readFile(path);
    for (let length = 0; length <= whole.length; length++) {
      await writeFile(path, whole.subarray(0, length));
      const cut = await EmbeddingJournal.open(path, identity);
      const kept = batches.filter((_, i) => ends[i] <= length).flat();
      expect(cut.size).toBe(kept.length);
      await cut.append(['new'], [vectorOf('new')]);
      await cut.close();
      const later = await EmbeddingJournal.open(path, identity);
      for (const text of [...kept, 'new']) expect(await later.get(text)).toEqual(vectorOf(text));
      expect(later.size).toBe(kept.length + 1);
      await later.close();
    }
  });

  it('trusts no batch with a changed byte, nor what follows it', async () => {
    const path = join(await temporary(), 'journal');
    const journal = await EmbeddingJournal.open(path, identity);
    const headBytes = (await readFile(path)).length;
    await journal.append(['one'], [vectorOf('one')]);
    const firstBytes = (await readFile(path)).length;
    await journal.append(['two'], [vectorOf('two')]);
    await journal.close();
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] ^= 1;
      await writeFile(path, flipped);
      const outcome = await EmbeddingJournal.open(path, identity).then(
        async (opened) => {
          await opened.close();
          return opened.size;
        },
        (error: { code: string }) => error.code,
      );
      const allowed =
        at >= headBytes ? [at < firstBytes ? 0 : 1] : ['ALREADY_EXISTS', 'CORRUPT_FILE', 'WRONG_VERSION'];
      expect(allowed).toContain(outcome);
    }
  });

  it('a damaged head says that the journal can be deleted: the same command would fail again', async () => {
    const path = join(await temporary(), 'journal');
    await (await EmbeddingJournal.open(path, identity)).close();
    const flipped = await readFile(path);
    flipped[20] ^= 1;
    await writeFile(path, flipped);
    await expect(EmbeddingJournal.open(path, identity)).rejects.toMatchObject({
      code: 'CORRUPT_FILE',
      where: path,
      hint: expect.stringContaining('Delete it'),
    });
  });

  it('is not mixed with the vectors of another embedder, and keeps a file that is none', async () => {
    const path = join(await temporary(), 'journal');
    await (await EmbeddingJournal.open(path, identity)).close();
    for (const other of [{ contentHash: 'ef'.repeat(32) }, { dimensions: 4 }]) {
      await expect(EmbeddingJournal.open(path, { ...identity, ...other })).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
        where: path,
      });
    }
    await (await EmbeddingJournal.open(path, { ...identity, id: 'another name of it' })).close();
    await writeFile(path, 'my diary');
    await expect(EmbeddingJournal.open(path, identity)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await readFile(path, 'utf8')).toBe('my diary');
  });

  it('is open once at a time', async () => {
    const path = join(await temporary(), 'journal');
    const journal = await EmbeddingJournal.open(path, identity);
    await expect(EmbeddingJournal.open(path, identity)).rejects.toMatchObject({
      code: 'LOCKED',
      where: path,
    });
    await journal.close();
    await (await EmbeddingJournal.open(path, identity)).close();
  });

  it('takes no vector that is none', async () => {
    const journal = await EmbeddingJournal.open(join(await temporary(), 'journal'), identity);
    for (const vector of [Float32Array.of(1, 2), Float32Array.of(1, NaN, 2)]) {
      await expect(journal.append(['a'], [vector])).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
    expect(journal.size).toBe(0);
    await journal.close();
  });
});

describe('embedAll', () => {
  it('embeds each text once, however often it comes and whatever was embedded before', async () => {
    const path = join(await temporary(), 'journal');
    const texts = ['a', 'b', 'a', 'cc', 'b', 'ddd'];
    const asked: string[] = [];
    const counts: EmbeddingCounts[] = [];
    const onProgress = (count: EmbeddingCounts): unknown => counts.push(count);
    let journal = await EmbeddingJournal.open(path, identity);
    const embedder = letterEmbedder(asked);
    expect(await allOf(embedAll(texts, embedder, journal, { batch: 2, onProgress }))).toEqual(
      texts.map(vectorOf),
    );
    expect(asked).toEqual(['a', 'b', 'cc', 'ddd']);
    expect(counts.at(-1)).toEqual({ embedded: 4, reused: 2 });
    await journal.close();
    journal = await EmbeddingJournal.open(path, identity);
    const more = [...texts, 'eeee'];
    expect(await allOf(embedAll(more, embedder, journal, { onProgress }))).toEqual(more.map(vectorOf));
    expect(asked.slice(4)).toEqual(['eeee']);
    expect(counts.at(-1)).toEqual({ embedded: 1, reused: 6 });
    await journal.close();
  });

  it('has in the journal what was embedded before it was stopped', async () => {
    const journal = await EmbeddingJournal.open(join(await temporary(), 'journal'), identity);
    const stop = new AbortController();
    const asked: string[] = [];
    const texts = Array.from({ length: 10 }, (_, i) => `text ${i}`);
    const onProgress = ({ embedded }: EmbeddingCounts): void => {
      if (embedded === 4) stop.abort();
    };
    const stopped = embedAll(texts, letterEmbedder(asked), journal, {
      batch: 2,
      signal: stop.signal,
      onProgress,
    });
    await expect(allOf(stopped)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(journal.size).toBe(4);
    await allOf(embedAll(texts, letterEmbedder(asked), journal));
    expect(asked).toEqual(texts);
    await journal.close();
  });
});
