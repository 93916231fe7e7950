import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { preferencesRow, writePreferencesFile, type PreferencesRow } from '../../../test/preferences-file.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { localParquet } from '../../collections/parquet.ts';
import { FaultCounts } from '../faults.ts';
import type { Post } from '../post.ts';
import { sourceStart, type SourcePosition } from './post-source.ts';
import { looksLikeHtml, preferencesSource } from './preferences.ts';

const folder = temporaryFolder();
let files = 0;

function source(rows: readonly PreferencesRow[], options?: Parameters<typeof writePreferencesFile>[2]) {
  const path = join(folder, `${files++}.parquet`);
  writePreferencesFile(path, rows, options);
  const bytes = statSync(path).size;
  return preferencesSource(localParquet(path), { title: 'data.parquet', stamp: '', bytes });
}

async function read(from: ReturnType<typeof source>, position: SourcePosition = sourceStart) {
  const faults = new FaultCounts();
  const posts: Post[] = [];
  const positions: SourcePosition[] = [];
  let done = 0;
  for await (const batch of from.read(position, { faults })) {
    posts.push(...batch.posts);
    positions.push(batch.position);
    done = batch.doneBytes;
  }
  return { posts, positions, done, faults: faults.list() };
}

const host = 'Stackoverflow.com';
const rows = [
  preferencesRow(1, { host, question: '<p>How?</p>' }),
  preferencesRow(2, { host: 'math.stackexchange.com', question: 'Plain 1 < 2', scores: [-1] }),
  preferencesRow(3, { host: 'biology.stackexchange.com', question: '<p>Why?</p>' }),
];

describe('the preferences data', () => {
  it('is read with its host, scores, authors and licences', async () => {
    const { posts, faults, done } = await read(source(rows));
    expect(faults).toEqual([]);
    expect(done).toBeGreaterThan(0);
    expect(posts.map(({ id }) => id)).toEqual([
      'stackoverflow.com/1',
      'math.stackexchange.com/2',
      'biology.stackexchange.com/3',
    ]);
    expect(posts[0]).toMatchObject({
      domain: 'stackoverflow',
      body: '<p>How?</p>',
      isHtml: true,
      url: 'https://stackoverflow.com/questions/1',
      author: { profile: 'https://Stackoverflow.com/users/1' },
      licence: 'CC BY-SA 3.0',
      answers: [
        {
          id: 'stackoverflow.com/1000',
          isAccepted: true,
          preference: 3,
          author: { name: 'author 0', profile: 'https://Stackoverflow.com/users/0' },
          url: 'https://stackoverflow.com/a/1000',
        },
        { id: 'stackoverflow.com/1001', preference: 1 },
      ],
    });
    expect(posts[1]).toMatchObject({ isHtml: false, body: 'Plain 1 < 2' });
  });

  it('goes on from a row group', async () => {
    const whole = await read(source(rows));
    const rest = await read(source(rows), whole.positions[0]);
    expect(rest.posts).toEqual(whole.posts.slice(2));
  });

  it('rows without what they must have are counted, and answers too', async () => {
    const broken: PreferencesRow[] = [
      ...rows,
      { ...rows[0], qid: null },
      { ...rows[0], question: null },
      { ...rows[0], metadata: ['not an address'] },
      { ...rows[0], metadata: null },
      {
        ...rows[0],
        answers: [
          { ...rows[0].answers![0], text: null },
          { ...rows[0].answers![1], pm_score: null },
        ],
      },
    ];
    const { posts, faults } = await read(source(broken));
    expect(posts).toHaveLength(4);
    expect(faults.map(({ kind, count }) => `${count} ${kind}`).sort()).toEqual([
      '1 a row whose qid is null',
      '1 a row whose question is null',
      '1 an answer without a pm_score, taken for 0',
      '1 an answer without a text and an answer_id',
      '2 a row without the address of its question',
    ]);
    expect(faults[0].places[0]).toMatch(/parquet \(row 4\)$/);
  });

  it('a text that is not UTF-8 is read with its odd bytes replaced, and counted', async () => {
    const latin = Uint8Array.from([0x63, 0x61, 0x66, 0xe9]);
    const { posts, faults } = await read(source([{ ...rows[0], question: latin }]));
    expect(posts[0].body).toBe('caf\ufffd');
    expect(faults[0]).toMatchObject({ kind: 'a text that is not UTF-8, its odd bytes replaced', count: 1 });
  });

  it('a file that lacks a column is an error', async () => {
    await expect(read(source(rows, { without: ['metadata'] }))).rejects.toThrow(
      'no column metadata. Its columns are qid, question, answers, date',
    );
  });

  it('a file that has another type in a column is an error', async () => {
    const values = rows.map((row) => ({ ...row, qid: 1.5 as unknown as bigint }));
    const schema = { qid: [{ name: 'qid', type: 'DOUBLE', repetition_type: 'OPTIONAL' }] } as const;
    await expect(read(source(values, { schema }))).rejects.toThrow('the column qid is not of whole numbers');
  });
});

it('texts are told from HTML by the elements of posts', () => {
  for (const html of ['<p>a</p>', 'a<br>b', '<a href="x">y</a>', 'x <code>y</code>'])
    expect(looksLikeHtml(html)).toBe(true);
  for (const text of ['a < b', 'List<String> x', 'if (a<b && c>d)', '<stdio.h>'])
    expect(looksLikeHtml(text)).toBe(false);
});
