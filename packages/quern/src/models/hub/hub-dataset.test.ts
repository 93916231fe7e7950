import { parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  answers,
  breakAfter,
  FakeHub,
  ignoresRanges,
  noise,
  stallAfter,
  type Fault,
} from '../../../test/fake-hub.ts';
import { openHubDataset } from './hub-dataset.ts';
import { mostAttempts } from './hub-download.ts';

const large = Array.from({ length: 2000 }, (_, i) => noise(300, String(i)).toString('base64'));
const table = Buffer.from(
  parquetWriteBuffer({
    columnData: [
      { name: 'id', data: large.map((_, i) => `id ${i}`) },
      { name: 'text', data: large },
    ],
    rowGroupSize: 500,
  }),
);
const hub = await FakeHub.start(
  { 'data/a site/train.parquet': table, 'README.md': 'a card', 'noise.bin': noise(100_000) },
  'owner/data',
);
const timing = { pause: 1, stall: 2000 };

beforeEach(() => hub.reset());

/** How many bytes of files were asked for. */
function bytesAsked(): number {
  const ranges = hub.requests.filter(({ server }) => server === 'cdn').map(({ range }) => range);
  return ranges.reduce((sum, range) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    return sum + Number(last) - Number(first) + 1;
  }, 0);
}

/** A range as the headers tell it, whatever was asked for, with `length` bytes. */
function tells(range: string, length: number, headers: Record<string, string> = {}): Fault {
  return (reply) => {
    delete reply.request.headers.range;
    Object.assign(reply, { status: 206, headers: { 'content-range': range, ...headers } });
    reply.body = Buffer.alloc(length);
  };
}

function open(id = 'owner/data', env: Record<string, string> = {}) {
  return openHubDataset(id, { env: { HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_secret', ...env }, timing });
}

describe('a data set of the hub', () => {
  it('is listed at a commit, and read by ranges of that', async () => {
    const dataset = await open();
    expect(dataset).toMatchObject({ repository: 'owner/data', commit: hub.commit });
    expect(dataset.files).toContainEqual({ name: 'noise.bin', size: 100_000 });
    const file = dataset.file('noise.bin');
    const whole = noise(100_000);
    for (const [start, end] of [
      [0, 10],
      [50_000, 99_999],
      [-8, undefined],
      [99_990, 200_000],
      [-20, -10],
    ] as const) {
      expect(Buffer.from(await file.slice(start, end))).toEqual(whole.subarray(start, end));
    }
    expect((await file.slice(5, 5)).byteLength).toBe(0);
    const [listing, ...reads] = hub.requests;
    expect(listing.path).toContain('/api/datasets/owner/data/revision/main');
    for (const { path, server } of reads) {
      expect(path).toMatch(
        server === 'hub' ? new RegExp(`^/datasets/owner/data/resolve/${hub.commit}/noise`) : /signature/,
      );
    }
  });

  it('is read by column, without the bytes of the others, and the token goes to the hub alone', async () => {
    const file = (await open()).file('data/a site/train.parquet');
    const rows = await parquetReadObjects({ file, columns: ['id'], rowStart: 500, rowEnd: 510 });
    expect(rows[0]).toEqual({ id: 'id 500' });
    // hyparquet reads the last half MiB for the metadata; the column of texts it leaves.
    expect(hub.bytesServed).toBeLessThan(table.length);
    expect(bytesAsked()).toBeLessThan(table.length);
    const path = `/datasets/owner/data/resolve/${hub.commit}/data/a%20site/train.parquet`;
    expect(new Set(hub.filesAsked)).toEqual(new Set([path]));
    const tokens = hub.requests.map(({ server, authorization }) => `${server} ${authorization}`);
    expect(new Set(tokens)).toEqual(new Set(['hub Bearer hf_secret', 'cdn undefined']));
  });

  it('is read again where a connection breaks off', async () => {
    const file = (await open()).file('noise.bin');
    hub.next('cdn', breakAfter(70_000));
    hub.next('cdn', answers(503));
    expect(Buffer.from(await file.slice(0, 90_000))).toEqual(noise(100_000).subarray(0, 90_000));
    expect(hub.requests.filter(({ server }) => server === 'cdn')).toHaveLength(3);
  });

  it.each([
    ['another range', tells('bytes 0-9/100000', 10), 'sends another range than was asked for'],
    ['a longer range', tells('bytes 10-29/100000', 10), 'sends another range than was asked for'],
    ['no range', tells('nonsense', 10), 'sends another range than was asked for'],
    [
      'a range of an encoding',
      tells('bytes 10-19/100000', 10, { 'content-encoding': 'zstd' }),
      'sends another range than was asked for',
    ],
    [
      'a file of another length',
      tells('bytes 10-19/99999', 10),
      'a file of 99999 bytes, and the hub lists 100000',
    ],
    ['too few bytes', tells('bytes 10-19/100000', 9), 'ended after 9 of 10 bytes'],
    ['too many bytes', tells('bytes 10-19/100000', 11), 'sends more than the range'],
    ['nothing', answers(503), 'answers 503'],
  ])('is read again where a server sends %s, and given up in the end', async (_, fault, what) => {
    const file = (await open()).file('noise.bin');
    hub.next('cdn', fault, mostAttempts - 1);
    expect(Buffer.from(await file.slice(10, 20))).toEqual(noise(100_000).subarray(10, 20));
    hub.next('cdn', fault, mostAttempts);
    await expect(file.slice(10, 20)).rejects.toMatchObject({
      code: 'NETWORK',
      where: `owner/data@${hub.commit}/noise.bin`,
      what: expect.stringContaining(what),
      hint: expect.stringContaining('download the data set'),
    });
    expect(hub.requests.filter(({ server }) => server === 'cdn')).toHaveLength(2 * mostAttempts);
  });

  it('is taken at the commit that its id names, and at no other', async () => {
    expect((await open(`owner/data@${hub.commit}`)).commit).toBe(hub.commit);
    await expect(open(`owner/data@${'d'.repeat(40)}`)).rejects.toMatchObject({
      code: 'BAD_REPLY',
      what: expect.stringContaining(`answers with the commit ${hub.commit}`),
    });
  });

  it('is read at the commit that it was listed at, also when the branch moves on', async () => {
    const { commit } = hub;
    const file = (await open()).file('README.md');
    hub.commit = 'e'.repeat(40);
    try {
      expect(Buffer.from(await file.slice(2, 6)).toString()).toBe('card');
    } finally {
      hub.commit = commit;
    }
    expect(hub.filesAsked).toEqual([`/datasets/owner/data/resolve/${commit}/README.md`]);
  });

  it('whose server knows no ranges is an error, not a download', async () => {
    const file = (await open()).file('noise.bin');
    hub.next('cdn', ignoresRanges);
    await expect(file.slice(10, 20)).rejects.toMatchObject({
      code: 'BAD_REPLY',
      what: expect.stringContaining('sends the whole file when asked for a part of it'),
    });
    expect(hub.requests.filter(({ server }) => server === 'cdn')).toHaveLength(1);
  });

  it('that is not there, gated, or not to be asked for is an error', async () => {
    await expect(open('owner/other')).rejects.toThrow('no such repository');
    hub.next('listing', answers(403, { 'x-error-code': 'GatedRepo' }));
    await expect(open()).rejects.toThrow('the data set is gated. Accept its terms, if any, on');
    await expect(open('owner/data', { HF_HUB_OFFLINE: '1' })).rejects.toThrow('HF_HUB_OFFLINE is set');
    await expect(open('owner')).rejects.toMatchObject({
      code: 'USAGE',
      where: 'data set id',
      hint: expect.stringContaining('HuggingFaceH4/stack-exchange-preferences'),
    });
    const dataset = await open();
    expect(() => dataset.file('no.parquet')).toThrow('no such file');
  });

  it.each([
    [401, {}, 'DENIED', 'the data set may be gated or private'],
    [403, {}, 'DENIED', 'the data set may be gated or private'],
    [401, { 'x-error-code': 'GatedRepo' }, 'DENIED', 'the data set is gated'],
    [401, { 'x-error-code': 'RepoNotFound' }, 'NOT_FOUND', 'no such repository'],
    [404, { 'x-error-code': 'RevisionNotFound' }, 'NOT_FOUND', 'no revision'],
    [404, { 'x-error-code': 'EntryNotFound' }, 'NOT_FOUND', 'no such file'],
  ])('of which the hub refuses a file by %i %j is an error at once', async (status, headers, code, what) => {
    const file = (await open()).file('noise.bin');
    hub.next('file', answers(status, headers));
    await expect(file.slice(0, 10)).rejects.toMatchObject({
      code,
      where: `owner/data@${hub.commit}/noise.bin`,
      what: expect.stringContaining(what),
      hint: expect.stringMatching(/HF_TOKEN|\/datasets\/owner\/data$/),
    });
    expect(hub.filesAsked).toHaveLength(1);
  });

  it('is left at once when it is to stop', async () => {
    const stop = new AbortController();
    stop.abort();
    const opening = openHubDataset('owner/data', { env: { HF_ENDPOINT: hub.endpoint }, signal: stop.signal });
    await expect(opening).rejects.toThrow('stopped on request');
    expect(hub.requests).toEqual([]);
  });

  it('is left in the middle of a range, too', async () => {
    const stop = new AbortController();
    const { signal } = stop;
    const dataset = await openHubDataset('owner/data', { env: { HF_ENDPOINT: hub.endpoint }, signal });
    hub.next('cdn', (reply) => {
      stallAfter(1000)(reply);
      setTimeout(() => stop.abort(), 20);
    });
    await expect(dataset.file('noise.bin').slice(0, 50_000)).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(dataset.file('noise.bin').slice(0, 10)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(hub.requests.filter(({ server }) => server === 'cdn')).toHaveLength(1);
  });
});
