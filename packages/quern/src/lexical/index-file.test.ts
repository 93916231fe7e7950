import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { QuernError, type QuernErrorCode } from '../errors.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { IndexBuilder } from './index-builder.ts';
import { IndexFile } from './index-file.ts';
import { IndexFileWriter } from './index-file-writer.ts';
import type { Section, SectionType } from './index-format.ts';
import { LexicalIndex } from './lexical-index.ts';
import { putSegment, segmentFileOf } from '../../test/segment-file.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quern-index-format-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const ids = ['a', 'b', 'c', 'e\u0301', '\u{1f600}'];
const facts = { analyzer: 'english', documents: 3, documentsWithTerms: 2, terms: 4, postings: 5, tokens: 6 };

/** The file of a small index with every section. */
let valid: Buffer;
/** Everything that the index of {@link valid} answers. */
let answers: unknown;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'quern-index-format-'));
  try {
    const out = join(folder, 'index');
    const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace'), store: true });
    for (const [i, id] of ids.entries()) {
      await builder.add({ id, title: `t${i}`, text: 'x y z x w'.slice(0, 2 * i), metadata: { i } }, id);
    }
    await builder.finish();
    valid = await readFile(await segmentFileOf(out));
    const index = await LexicalIndex.open(out);
    answers = await everythingOf(index);
    await index.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function everythingOf(index: LexicalIndex): Promise<unknown> {
  const documents = [];
  for (const id of ids) documents.push([...(await index.vector(id))], await index.document(id));
  const hits = index.search(index.queryWeights(['x', 'y', 'w', 't2'], 'bm25q'), { k: 10, excluded: ['c'] });
  return { documents, hits, facts: index.facts, statistics: index.statistics };
}

const honest = new Set<QuernErrorCode>(['NOT_FOUND', 'CORRUPT_FILE', 'WRONG_VERSION']);

type Outcome = { readonly error: unknown } | { readonly answers: unknown };

/** What opening, verifying and asking an index with these bytes ends in: the code of a QuernError, or the answers. */
async function outcome(folder: string, bytes: Uint8Array): Promise<Outcome> {
  await putSegment(folder, bytes);
  let index: LexicalIndex | undefined;
  try {
    index = await LexicalIndex.open(folder);
    await index.verify();
    return { answers: await everythingOf(index) };
  } catch (error) {
    return { error: error instanceof QuernError ? error.code : error };
  } finally {
    await index?.close();
  }
}

function isHonest(ended: Outcome): boolean {
  return 'answers' in ended || honest.has(ended.error as QuernErrorCode);
}

interface Table {
  sections: Record<string, Section>;
  [fact: string]: unknown;
}

function tableOf(bytes: Buffer): Table {
  const end = bytes.length - 16;
  return JSON.parse(bytes.toString('utf8', end - bytes.readUInt32LE(end + 4), end)) as Table;
}

/** `bytes` with another table, whose checksum is right. */
function withTable(bytes: Buffer, table: unknown): Buffer {
  const end = bytes.length - 16;
  const json = Buffer.from(typeof table === 'string' ? table : JSON.stringify(table));
  const foot = Buffer.from(bytes.subarray(end));
  foot.writeUInt32LE(crc32(json), 0);
  foot.writeUInt32LE(json.length, 4);
  return Buffer.concat([bytes.subarray(0, end - bytes.readUInt32LE(end + 4)), json, foot]);
}

/** {@link valid} with other content in a section, all checksums of sections right. */
function withContent(name: string, content: Uint8Array): Buffer {
  const table = tableOf(valid);
  const { offset, bytes } = table.sections[name];
  const copy = Buffer.from(valid);
  copy.set(content.subarray(0, bytes), offset);
  const padded = copy.subarray(offset, Math.ceil((offset + bytes) / 8) * 8);
  const section = { ...table.sections[name], checksum: crc32(padded) };
  return withTable(copy, { ...table, sections: { ...table.sections, [name]: section } });
}

describe('an index file', () => {
  it('has sections of every type, which grow side by side, and reads them back', async () => {
    const folder = await temporaryFolder();
    const content = fc.tuple(
      fc.uint8Array(),
      fc.uint16Array(),
      fc.uint32Array(),
      fc.int32Array(),
      fc.float64Array({ noNaN: true }),
    );
    await fc.assert(
      fc.asyncProperty(content, async (arrays) => {
        const types: SectionType[] = ['u8', 'u16', 'u32', 'i32', 'f64'];
        const path = join(folder, 'segment-1.quern');
        const writer = await IndexFileWriter.create(path);
        const streams = arrays.map((array, i) => writer.stream(types[i], types[i], array.byteLength));
        for (const part of [0, 1]) {
          for (const [i, array] of arrays.entries()) {
            const half = array.length >> 1;
            await streams[i].write(part === 0 ? array.subarray(0, half) : array.subarray(half));
          }
        }
        for (const stream of streams) await stream.end();
        await writer.finish(facts);
        const file = await IndexFile.open(path);
        try {
          expect(file.table).toMatchObject(facts);
          const [u8, u16, u32, i32, f64] = arrays;
          expect(await file.array('u8', 'u8')).toEqual(u8);
          expect(await file.array('u16', 'u16', u16.length)).toEqual(u16);
          expect(await file.array('u32', 'u32', u32.length)).toEqual(u32);
          expect(await file.array('i32', 'i32', i32.length)).toEqual(i32);
          expect(await file.array('f64', 'f64', f64.length)).toEqual(f64);
          await file.verify();
        } finally {
          await file.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('keeps sections of more than a piece, and finds a flipped bit in any piece of them', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'segment-1.quern');
    const big = Uint8Array.from({ length: 2_800_004 }, (_, i) => i * 7 + (i >> 8));
    const writer = await IndexFileWriter.create(path);
    await writer.section('big', 'u8', big);
    await writer.finish(facts);
    const file = await IndexFile.open(path);
    onTestFinished(() => file.close());
    expect(Buffer.compare(await file.array('big', 'u8'), big)).toBe(0);
    await file.verify();
    const bytes = await readFile(path);
    for (const at of [16, 16 + (1 << 20), 16 + big.length - 1, 16 + big.length]) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 4;
      await writeFile(path, damaged);
      const corrupt = { code: 'CORRUPT_FILE', where: expect.stringContaining('section big') };
      await expect(file.array('big', 'u8')).rejects.toMatchObject(corrupt);
      await expect(file.verify()).rejects.toMatchObject(corrupt);
    }
  });

  it('refuses a section that did not get the bytes that were reserved for it', async () => {
    const writer = await IndexFileWriter.create(join(await temporaryFolder(), 'segment-1.quern'));
    onTestFinished(() => writer.abandon());
    const stream = writer.stream('short', 'u8', 3);
    await stream.write(Uint8Array.of(1, 2));
    await expect(stream.end()).rejects.toThrow(/section short/);
  });
});

describe('opening an index file', () => {
  it('answers what was built', async () => {
    expect(await outcome(await temporaryFolder(), valid)).toEqual({ answers });
  });

  it('that was cut anywhere, or has something behind its end, throws CORRUPT_FILE', async () => {
    const folder = await temporaryFolder();
    for (let length = 0; length < valid.length; length++) {
      expect(await outcome(folder, valid.subarray(0, length))).toEqual({ error: 'CORRUPT_FILE' });
    }
    expect(await outcome(folder, Buffer.concat([valid, Buffer.of(0)]))).toEqual({ error: 'CORRUPT_FILE' });
  });

  it('finds any single flipped bit, then or when it is verified', async () => {
    const folder = await temporaryFolder();
    const bit = fc.tuple(fc.nat(valid.length - 1), fc.nat(7));
    await fc.assert(
      fc.asyncProperty(bit, async ([at, shift]) => {
        const damaged = Buffer.from(valid);
        damaged[at] ^= 1 << shift;
        const isVersion = at >= 8 && at < 12;
        expect(await outcome(folder, damaged)).toEqual({
          error: isVersion ? 'WRONG_VERSION' : 'CORRUPT_FILE',
        });
      }),
      { numRuns: 1500 },
    );
  });

  it('finds damage of a vector or a stored document when that one is read', async () => {
    const folder = await temporaryFolder();
    const { sections } = tableOf(valid);
    for (const [name, read] of [
      ['vectors', 'vector'],
      ['store', 'document'],
    ] as const) {
      // prettier-ignore
      const damaged = Buffer.from(valid);
      damaged[sections[name].offset + 5] ^= 1;
      await putSegment(folder, damaged);
      const index = await LexicalIndex.open(folder);
      onTestFinished(() => index.close());
      await expect(index[read]('a')).rejects.toMatchObject({
        code: 'CORRUPT_FILE',
        where: expect.stringContaining(`section ${name}`),
        message: expect.stringContaining('record 0'),
      });
      await expect(index[read]('b')).resolves.toBeDefined();
      await expect(index.verify()).rejects.toMatchObject({ code: 'CORRUPT_FILE' });
    }
  });

  it('of another version names both versions', async () => {
    const folder = await temporaryFolder();
    const other = Buffer.from(valid);
    other.writeUInt32LE(7, 8);
    await putSegment(folder, other);
    await expect(LexicalIndex.open(folder)).rejects.toMatchObject({
      code: 'WRONG_VERSION',
      message: expect.stringMatching(/version 7.* reads 2/),
    });
  });

  it('of arbitrary bytes, with the right first and last bytes too, throws CORRUPT_FILE', async () => {
    const folder = await temporaryFolder();
    const foot = fc
      .tuple(fc.nat(0xffff_ffff), fc.oneof(fc.nat(200), fc.nat(0xffff_ffff)))
      .map(([checksum, length]) => {
        const bytes = Buffer.from(valid.subarray(-16));
        bytes.writeUInt32LE(checksum, 0);
        bytes.writeUInt32LE(length, 4);
        return bytes;
      });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.uint8Array({ maxLength: 300 }), foot)
        .map((parts) => Buffer.concat([valid.subarray(0, 16), ...parts])),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        expect(await outcome(folder, content)).toEqual({ error: 'CORRUPT_FILE' });
      }),
      { numRuns: 200 },
    );
  });

  it('with a table that says anything, its checksum being right, answers or throws a typed error', async () => {
    const folder = await temporaryFolder();
    const absurd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(
        -1,
        0,
        8,
        15,
        0.5,
        1e300,
        2 ** 32,
        2 ** 53,
        '16',
        'constructor',
        'u16',
        'f64',
        'records',
      ),
      fc.integer(),
    );
    const { sections, ...others } = tableOf(valid);
    const names = Object.keys(sections);
    const table = fc.oneof(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.string(),
      fc.tuple(fc.constantFrom('sections', ...Object.keys(others)), absurd).map(([key, value]) => ({
        ...tableOf(valid),
        [key]: value,
      })),
      fc
        .tuple(
          fc.constantFrom(...names),
          fc.option(fc.constantFrom('type', 'offset', 'bytes', 'checksum')),
          absurd,
        )
        .map(([name, key, value]) => ({
          ...others,
          sections: { ...sections, [name]: key === null ? value : { ...sections[name], [key]: value } },
        })),
      fc.constantFrom(...names).map((name) => ({ ...others, sections: { ...sections, [name]: undefined } })),
      fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)).map(([one, other]) => ({
        ...others,
        sections: { ...sections, [one]: sections[other] },
      })),
    );
    await fc.assert(
      fc.asyncProperty(table, async (content) => {
        expect(isHonest(await outcome(folder, withTable(valid, content)))).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it('with sections that hold anything, their checksums being right, answers or throws a typed error', async () => {
    const folder = await temporaryFolder();
    const names = Object.keys(tableOf(valid).sections);
    const numbers = fc.array(fc.oneof(fc.nat(20), fc.nat(0xffff_ffff)), { minLength: 1 });
    const content = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      numbers.map((values) => new Uint8Array(Uint32Array.from(values).buffer)),
      fc
        .array(fc.double(), { minLength: 1 })
        .map((values) => new Uint8Array(Float64Array.from(values).buffer)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), content, async (name, bytes) => {
        expect(isHonest(await outcome(folder, withContent(name, bytes)))).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it('with counts in its table that its content does not have throws CORRUPT_FILE', async () => {
    const folder = await temporaryFolder();
    for (const [name, count] of Object.entries(tableOf(valid))) {
      if (typeof count !== 'number') continue;
      for (const wrong of [count + 1, count - 1, 0]) {
        const bytes = withTable(valid, { ...tableOf(valid), [name]: wrong });
        expect(await outcome(folder, bytes)).toEqual({ error: 'CORRUPT_FILE' });
      }
    }
  });

  it('without sections that it needs, or with ones of another type or length, says which', async () => {
    const folder = await temporaryFolder();
    const table = tableOf(valid);
    const changes: [string, Partial<Section> | undefined][] = [
      ['terms', undefined],
      ['vectors', undefined],
      ['ids', { type: 'u16', bytes: 2 }],
      ['id-order', { bytes: 4 }],
      ['posting-documents', { type: 'u32' }],
      ['posting-codes', { type: 'f64', bytes: 8 }],
      ['document-lengths', { offset: 2 ** 40 }],
    ];
    for (const [name, change] of changes) {
      const section = change && { ...table.sections[name], ...change };
      const bytes = withTable(valid, { ...table, sections: { ...table.sections, [name]: section } });
      await putSegment(folder, bytes);
      await expect(LexicalIndex.open(folder)).rejects.toMatchObject({
        code: 'CORRUPT_FILE',
        where: expect.stringContaining(`section ${name}`),
      });
    }
  });
});
