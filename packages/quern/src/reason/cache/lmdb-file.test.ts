import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import { open } from 'lmdb';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { databaseDamage } from './lmdb-file.ts';

const folder = temporaryFolder();
const options = {
  keyEncoding: 'binary',
  encoding: 'binary',
  noSubdir: true,
  overlappingSync: false,
  eventTurnBatching: false,
} as const;
const file = join(folder, 'whole.mdb');
let whole: Buffer;

/** A database that has seen entries of all sizes come, grow and go, in trees of several levels. */
async function madeDatabase(path: string, pageSize?: number): Promise<void> {
  const database = open<Buffer, Buffer>(path, { ...options, ...(pageSize && { pageSize }) });
  const keys: Buffer[] = [];
  for (let turn = 0; turn < 16; turn++) {
    const writing: Promise<boolean>[] = [];
    for (let i = 0; i < 40; i++) {
      const key = i % 4 === 3 && keys.length > 0 ? keys[(turn * i) % keys.length] : randomBytes(32);
      keys.push(key);
      writing.push(database.put(key, randomBytes(i === 0 ? 20_000 : (turn * i * 17) % 6000)));
    }
    for (const key of keys.splice(0, 15)) writing.push(database.remove(key));
    await Promise.all(writing);
  }
  await database.close();
}

async function damageOf(bytes: Buffer): Promise<string | undefined> {
  const path = join(folder, 'altered.mdb');
  await writeFile(path, bytes);
  return databaseDamage(path, 32);
}

beforeAll(async () => {
  await madeDatabase(file);
  whole = readFileSync(file);
});

describe('a database file', () => {
  it('is whole as lmdb leaves it', async () => {
    expect(whole.length).toBeGreaterThan(500_000);
    expect(await databaseDamage(file, 32)).toBeUndefined();
  });

  it.each([512, 8192, 65_536])('is whole with pages of %d bytes', async (pageSize) => {
    const path = join(folder, `${pageSize}.mdb`);
    await madeDatabase(path, pageSize);
    expect(await databaseDamage(path, 32)).toBeUndefined();
  });

  it('is whole without entries, without bytes, and as a compact copy', async () => {
    const [empty, copy, none] = ['empty.mdb', 'copy.mdb', 'none.mdb'].map((name) => join(folder, name));
    await open(empty, options).close();
    const database = open(file, options);
    await database.backup(copy, true);
    await database.close();
    await writeFile(none, '');
    for (const path of [empty, copy, none]) expect(await databaseDamage(path, 32)).toBeUndefined();
    expect(readFileSync(copy).length).toBeLessThan(whole.length);
  });

  it('is damaged when it lacks its end, wherever it was cut off', async () => {
    const pages = whole.length / 4096;
    for (let page = 0; page < pages; page += 31) {
      const cut = whole.subarray(0, page * 4096 + 100);
      expect(await damageOf(cut)).toBeDefined();
    }
  });

  it('is damaged when its keys have another length', async () => {
    expect(await databaseDamage(file, 31)).toMatch(/^page \d+ is damaged$/);
  });

  it('is damaged when a bit of the head of a page in use is another', async () => {
    // The numbers of pages, the flags and the bounds; of a free page's head nobody asks.
    const inUse = pagesInUse(whole);
    expect(inUse.length).toBeGreaterThan(20);
    for (const page of inUse.filter((_, i) => i % 12 === 0)) {
      for (const bit of [3, 18 * 8, 18 * 8 + 1, 20 * 8 + 1, 22 * 8 + 1]) {
        const altered = Buffer.from(whole);
        altered[page * 4096 + (bit >> 3)] ^= 1 << (bit & 7);
        expect(await damageOf(altered)).toBeDefined();
      }
    }
  });

  it('is read to the end of the check whatever is in it', async () => {
    const change = fc.record({
      at: fc.oneof(fc.nat(400), fc.nat(8191), fc.nat(2 ** 30)),
      value: fc.oneof(fc.nat(255), fc.constantFrom(0, 255)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 40 }), async (changes) => {
        const altered = Buffer.from(whole);
        for (const { at, value } of changes) altered[at % altered.length] = value;
        const damage = await damageOf(altered);
        expect(typeof (damage ?? '')).toBe('string');
      }),
      { numRuns: 40 },
    );
  });
});

/** The leaves and branches that the last state of a database reaches, found by following them without any check. */
function pagesInUse(bytes: Buffer): number[] {
  const [first, second] = [bytes.subarray(24), bytes.subarray(4096 + 24)];
  const meta = first.readBigUInt64LE(128) > second.readBigUInt64LE(128) ? first : second;
  const found: number[] = [];
  const visit = (page: number): void => {
    found.push(page);
    const at = page * 4096 + 24;
    if (bytes.readUInt16LE(at - 6) !== 1) return;
    for (let i = 0; i < bytes.readUInt16LE(at - 4); i += 2) {
      visit(bytes.readUInt32LE(at + bytes.readUInt16LE(at + i)));
    }
  };
  visit(meta.readUInt32LE(72 + 40));
  return found;
}

const user = `
import { readFileSync, copyFileSync, rmSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { open } from ${JSON.stringify(
  pathToFileURL(
    createRequire(import.meta.url)
      .resolve('lmdb')
      .replace(/dist.index\.cjs$/, 'index.js'),
  ).href,
)};
for (const path of process.argv.slice(2)) {
  const database = open(path, ${JSON.stringify(options)});
  const keys = [];
  for (const { key, value } of database.getRange()) {
    createHash('sha256').update(value).digest();
    keys.push(Buffer.from(key));
  }
  for (let turn = 0; turn < 8; turn++) {
    const writing = [];
    for (let i = 0; i < 20; i++) writing.push(database.put(randomBytes(32), randomBytes(i * 400)));
    for (const key of keys.splice(0, 30)) writing.push(database.remove(key));
    await Promise.all(writing);
  }
  await database.clearAsync();
  await database.put(randomBytes(32), randomBytes(10_000));
  await database.close();
}
console.log('done');
`;

it('a file that passes can be read, written to and cleared without the end of the process', async () => {
  const altered = join(folder, 'altered');
  await mkdir(altered);
  const passed: string[] = [];
  let damaged = 0;
  let state = 20_261_126;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let trial = 0; trial < 120; trial++) {
    const bytes = Buffer.from(whole);
    const count = 1 + random(5);
    for (let i = 0; i < count; i++) {
      const page = trial % 2 === 0 ? random(bytes.length / 4096) : random(2);
      bytes[page * 4096 + random(trial % 4 < 2 ? 4096 : 168)] ^= 1 << random(8);
    }
    const path = join(altered, `${trial}.mdb`);
    await writeFile(path, bytes);
    if ((await databaseDamage(path, 32)) === undefined) passed.push(path);
    else damaged++;
  }
  expect(passed.length).toBeGreaterThan(20);
  expect(damaged).toBeGreaterThan(20);
  const script = join(folder, 'user.mjs');
  await writeFile(script, user);
  const { status, signal, stdout } = spawnSync(process.execPath, [script, ...passed], { encoding: 'utf8' });
  expect({ status, signal, stdout }).toEqual({ status: 0, signal: null, stdout: 'done\n' });
  expect((await readFile(passed[0])).length).toBeGreaterThan(0);
});
