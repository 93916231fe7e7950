import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { array, assert, asyncProperty, constantFrom, record, string } from 'fast-check';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { TopicLines, type TopicLinesLimits } from './topic-lines.ts';

const path = join(temporaryFolder(), 'lines');

function topicOf(line: Buffer): string | undefined {
  const text = line.toString('utf8');
  return text.startsWith('-') ? undefined : text.slice(0, 1);
}

/** The lines of each topic of a file of `text`. */
async function linesOf(
  text: string,
  topics: readonly string[],
  limits: TopicLinesLimits = {},
): Promise<string[][]> {
  writeFileSync(path, text);
  const file = await open(path);
  try {
    const lines = await TopicLines.of(file, topicOf, limits);
    return await Promise.all(topics.map((topic) => lines.read(file, topic)));
  } finally {
    await file.close();
  }
}

it('the lines of a topic are those that are its own, wherever they lie', async () => {
  const line = record({ topic: constantFrom('a', 'b', '-'), rest: string({ unit: 'grapheme' }) });
  await assert(
    asyncProperty(array(line), async (given) => {
      const lines = given.map(({ topic, rest }) => topic + rest.replaceAll('\n', ''));
      const expected = ['a', 'b', 'c'].map((topic) => lines.filter((each) => each.startsWith(topic)));
      expect(await linesOf(lines.join('\n'), ['a', 'b', 'c'])).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

it('lines are found across the blocks that a file is read in', async () => {
  const lines = Array.from(
    { length: 30_000 },
    (_, i) => `${'abc'[Math.floor(i / 10_000)]} ${'x'.repeat(100)} ${i}`,
  );
  expect(await linesOf(`${lines.join('\n')}\n`, ['a', 'b', 'c'])).toEqual([
    lines.slice(0, 10_000),
    lines.slice(10_000, 20_000),
    lines.slice(20_000),
  ]);
});

it.each<[string, string, TopicLinesLimits]>([
  ['a file', 'a 1\na 2\n', { bytes: 7 }],
  ['a line', `a ${'x'.repeat(2 << 20)}\n`, { lines: 100 }],
  ['the lines of a topic', 'a 12345\na 12345\n', { lines: 10 }],
  ['the number of topics', 'a\nb\nc\n', { topics: 2 }],
  ['the number of places of a topic', 'a\nb\n'.repeat(1001), {}],
])('%s beyond the limits is refused', async (_, text, limits) => {
  await expect(linesOf(text, ['a'], limits)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});
