/** Near-duplicates against all pairs of real questions, and against the pairs that another MinHash finds. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FaultCounts } from '../src/curate/faults.ts';
import { htmlText } from '../src/curate/html-text.ts';
import { likeBetterOnes } from '../src/curate/near-duplicates.ts';
import { QuestionSet, QuestionSetWriter } from '../src/curate/question-set.ts';
import { openSources } from '../src/curate/sources.ts';
import { sourceStart, type PostSource } from '../src/curate/sources/post-source.ts';
import { randomIntegers } from '../src/random.ts';
import { dataPath, sharedData } from './shared-data.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { hasTestPython, testPython } from './test-python.ts';

type Pair = readonly [better: number, worse: number];

interface Pairs {
  readonly exact: readonly (readonly [...Pair, similarity: number])[];
  readonly lsh: readonly Pair[];
}

const threshold = 0.7;
const folder = temporaryFolder();

/** Pairs that are alike by the rules of what a word is, and texts that are like no other. */
const madeTexts = [
  'Ｆｕｌｌ－ｗｉｄｔｈ letters, soft\u00adly hyphe\u00adnated',
  'full width LETTERS softly hyphenated',
  '為什麼天空是藍色的',
  '為什麼 天空，是藍色的？',
  '啤酒ale啤酒',
  '啤酒 Ale 啤酒',
  'आसमान का रंग नीला क्यों दिखाई देता है',
  'आसमान का रंग नीला क्यों दिखाई देता है मित्रों',
  'Two words',
  'TWO (words)',
  'Ὀδυσσεὺς ΣΟΦΟΣ x² 𐐀𐐁',
  'ὀδυσσεὺς σοφος x2 𐐨𐐩',
  'two words more',
  '酒',
  'snake_case is two words here',
  'snake case is two words here',
  '?!',
  '',
  '…',
];

/** The texts of the bodies of the first `count` questions of a source. */
async function bodiesOf(source: PostSource, count: number): Promise<string[]> {
  const texts: string[] = [];
  for await (const { posts } of source.read(sourceStart, { faults: new FaultCounts() })) {
    for (const { kind, body } of posts) if (kind === 'question') texts.push(htmlText(body).text);
    if (texts.length >= count) break;
  }
  return texts.slice(0, count);
}

/** Each text with some words changed, from none to one in six. */
function changedCopies(texts: readonly string[], seed: number): string[] {
  const next = randomIntegers(seed);
  return texts.map((text) => {
    const perThousand = next() % 170;
    return text.replaceAll(/\S+/g, (word) => (next() % 1000 < perThousand ? `x${next()}` : word));
  });
}

async function setOf(texts: readonly string[]): Promise<QuestionSet> {
  const path = join(folder, 'set');
  mkdirSync(path);
  const writer = await QuestionSetWriter.create(path);
  for (const [i, text] of texts.entries()) {
    await writer.add({
      id: `q${i}`,
      domain: 'd',
      draw: i / texts.length,
      text,
      hasImage: false,
      answers: [],
    });
  }
  await writer.finish();
  return QuestionSet.open(path);
}

const nameOf = ([better, worse]: readonly number[]): string => `${better} ${worse}`;

it.skipIf(sharedData === undefined || !hasTestPython)(
  'near-duplicates are the pairs that are alike when each is held against each, and none is missed that another MinHash finds',
  async () => {
    const sources = await openSources([dataPath('stackexchange')]);
    const bodies = (await Promise.all(sources.map((source) => bodiesOf(source, 170)))).flat();
    const copies = changedCopies(bodies.filter((_, i) => i % 5 === 0).slice(0, 100), 7);
    const texts = [...bodies, ...copies, ...madeTexts];
    const given = join(folder, 'texts.json');
    writeFileSync(given, JSON.stringify({ texts, threshold }));
    const { exact, lsh } = testPython<Pairs>('near_duplicate_pairs.py', given);

    const set = await setOf(texts);
    const found = await likeBetterOnes(set, Uint32Array.from(texts.keys()), threshold, { folder });
    await set.close();
    const ours = found
      .map(({ better, n, similarity }) => [better, n, similarity] as const)
      .sort(([a, b], [c, d]) => a - c || b - d);

    // What is like a better one is held against no third: were a text in two pairs, one of them could be missing.
    expect(new Set(exact.flatMap(([better, worse]) => [better, worse])).size).toBe(2 * exact.length);
    expect(ours).toEqual(exact);

    const [exactNames, ourNames] = [new Set(exact.map(nameOf)), new Set(ours.map(nameOf))];
    const both = lsh.map(nameOf).filter((pair) => exactNames.has(pair));
    expect(both.filter((pair) => !ourNames.has(pair))).toEqual([]);
    expect(both.length).toBeGreaterThan(40);
  },
);
