import { parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { beforeEach, describe, expect, it } from 'vitest';
import { answers, breakAfter, FakeHub, ignoresRanges, noise } from '../../../test/fake-hub.ts';
import { openHubDataset } from './hub-dataset.ts';

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

  it('whose server knows no ranges is an error, not a download', async () => {
    const file = (await open()).file('noise.bin');
    hub.next('cdn', ignoresRanges);
    await expect(file.slice(10, 20)).rejects.toThrow('sends the whole file when asked for a part of it');
  });

  it('that is not there, gated, or not to be asked for is an error', async () => {
    await expect(open('owner/other')).rejects.toThrow('no such repository');
    hub.next('listing', answers(403, { 'x-error-code': 'GatedRepo' }));
    await expect(open()).rejects.toThrow('the data set is gated. Accept its terms, if any, on');
    await expect(open('owner/data', { HF_HUB_OFFLINE: '1' })).rejects.toThrow('HF_HUB_OFFLINE is set');
    await expect(open('owner')).rejects.toThrow('is not of the form owner/name');
    const dataset = await open();
    expect(() => dataset.file('no.parquet')).toThrow('no such file');
  });

  it('is left at once when it is to stop', async () => {
    const stop = new AbortController();
    stop.abort();
    const opening = openHubDataset('owner/data', { env: { HF_ENDPOINT: hub.endpoint }, signal: stop.signal });
    await expect(opening).rejects.toThrow('stopped on request');
  });
});
