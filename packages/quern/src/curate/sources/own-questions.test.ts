import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { FaultCounts } from '../faults.ts';
import type { PostedQuestion } from '../post.ts';
import { ownQuestions } from './own-questions.ts';
import { sourceStart, type SourcePosition } from './post-source.ts';

const folder = temporaryFolder();

function at(line: number): string {
  return `${join(folder, 'odd.jsonl')}:${line}`;
}

async function read(name: string, content: string | Buffer, position: SourcePosition = sourceStart) {
  const path = join(folder, name);
  writeFileSync(path, content);
  const faults = new FaultCounts();
  const posts: PostedQuestion[] = [];
  const positions: SourcePosition[] = [];
  for await (const batch of ownQuestions(path, { stamp: '' }).read(position, { faults })) {
    posts.push(...(batch.posts as PostedQuestion[]));
    positions.push(batch.position);
  }
  return {
    posts,
    positions,
    faults: faults.list().map(({ kind, count, places }) => ({ kind, count, place: places[0] })),
  };
}

const lines = [
  {
    question: 'How do I reset the pump?',
    answers: [{ text: 'Hold the button.', score: 3, accepted: true }, 'Unplug it.'],
  },
  {
    _id: 'p-2',
    question: 'Why does it hum?',
    domain: 'pumps',
    url: 'https://example.org/2',
    author: 'Ann',
    answers: [],
  },
  { id: 7, question: '<p>Is it <b>safe</b>?</p>', html: true },
];

it('records have what they say, and ids and domains of their own where they say nothing', async () => {
  const { posts, faults } = await read(
    'help.jsonl',
    `\ufeff${lines.map((line) => JSON.stringify(line)).join('\r\n')}\n\n`,
  );
  expect(faults).toEqual([]);
  expect(posts.map(({ id, domain }) => [id, domain])).toEqual([
    [expect.stringMatching(/^[0-9a-f]{16}$/), 'help'],
    ['help/p-2', 'pumps'],
    ['help/7', 'help'],
  ]);
  expect(posts[0].answers).toMatchObject([
    { id: `${posts[0].id}/1`, body: 'Hold the button.', score: 3, isAccepted: true },
    { id: `${posts[0].id}/2`, body: 'Unplug it.' },
  ]);
  expect(posts[1]).toMatchObject({ url: 'https://example.org/2', author: { name: 'Ann' }, answers: [] });
  expect(posts[2]).toMatchObject({ isHtml: true });
});

it('compressed files are read as well', async () => {
  const plain = await read('a.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
  const zipped = await read('a.jsonl.gz', gzipSync(lines.map((line) => JSON.stringify(line)).join('\n')));
  expect(zipped.posts).toEqual(plain.posts);
});

it('reading goes on from a position', async () => {
  const many = Array.from({ length: 600 }, (_, i) =>
    JSON.stringify({ id: `q${i}`, question: `Question é ${i}` }),
  ).join('\n');
  const whole = await read('many.jsonl', many);
  expect(whole.posts).toHaveLength(600);
  const rest = await read('many.jsonl', many, whole.positions[0]);
  expect(rest.posts).toEqual(whole.posts.slice(256));
});

it('what is malformed is counted by its kind, with its place', async () => {
  const content = Buffer.concat([
    Buffer.from(
      [
        'no json',
        '[1]',
        '{"question": ""}',
        '{"question": 5}',
        '{"text": "no question"}',
        '{"question": "a", "answers": "b"}',
        '{"question": "a", "answers": [5, {"text": ""}, {"text": "x", "score": "high"}]}',
        '{"question": "a", "id": "x\\ny"}',
      ].join('\n'),
    ),
    Buffer.from('\n{"question": "caf'),
    Buffer.from([0xe9]),
    Buffer.from('"}\n{"question": "fine"}\n'),
  ]);
  const { posts, faults } = await read('odd.jsonl', content);
  expect(posts.map(({ body }) => body)).toEqual(['a', 'fine']);
  expect(faults).toEqual([
    { kind: 'a line that is not JSON', count: 1, place: at(1) },
    { kind: 'a line that is not a JSON object', count: 1, place: at(2) },
    { kind: 'a record whose question is empty', count: 1, place: at(3) },
    { kind: 'a record whose question is a number', count: 1, place: at(4) },
    { kind: 'a record whose question is missing', count: 1, place: at(5) },
    { kind: 'a record whose answers are a string', count: 1, place: at(6) },
    { kind: 'an answer without a text', count: 2, place: at(7) },
    { kind: 'a score that is not a number, left out', count: 1, place: at(7) },
    { kind: 'a record whose id is empty or holds a control character', count: 1, place: at(8) },
    { kind: 'a line that is not UTF-8', count: 1, place: at(9) },
  ]);
});
