/**
 * How fast is the `english` analyzer on one core, against what one would write in plain JavaScript?
 *
 * Reads the `textbooks` corpus of the shared data (`QUERN_DATA`, else `../shared/data`), takes each pipeline in turn a
 * few times, and prints the median. The baselines do less: neither removes possessives nor stems. Intl.Segmenter is so
 * slow that it gets every fortieth document only.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { analyzerNamed } from 'quern';

const RUNS = 5;

const STOP_WORDS = new Set(
  (
    'a an and are as at be but by for if in into is it no not of on or such that the their then there these they ' +
    'this to was will with'
  ).split(' '),
);

const english = analyzerNamed('english');
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

function segmenterTerms(text: string): string[] {
  const terms: string[] = [];
  for (const { segment, isWordLike } of segmenter.segment(text)) {
    const term = segment.toLowerCase();
    if (isWordLike === true && !STOP_WORDS.has(term)) terms.push(term);
  }
  return terms;
}

function regularExpressionTerms(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’.][\p{L}\p{N}]+)*/gu) ?? [];
  return words.filter((word) => !STOP_WORDS.has(word));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

const file = resolve(process.env['QUERN_DATA'] ?? '../shared/data', 'textbooks/corpus.jsonl.gz');
if (!existsSync(file)) {
  console.error(`skipped: there is no ${file}; set QUERN_DATA to the folder of the shared data`);
  process.exit(1);
}
const texts = gunzipSync(readFileSync(file))
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => {
    const { title, text } = JSON.parse(line) as { title?: string; text: string };
    return title ? `${title} ${text}` : text;
  });

const pipelines = [
  { name: 'english', every: 1, termsOf: (text: string) => english.terms(text) },
  { name: 'english, with spans', every: 1, termsOf: (text: string) => english.spans(text) },
  { name: 'regular expression, lower case, stop words', every: 1, termsOf: regularExpressionTerms },
  { name: 'Intl.Segmenter, lower case, stop words', every: 40, termsOf: segmenterTerms },
].map(({ name, every, termsOf }) => {
  const sample = texts.filter((_, i) => i % every === 0);
  const megabytes = sample.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
  return { name, termsOf, sample, megabytes, speeds: [] as number[] };
});

// The pipelines take turns, so that a busy moment of the machine slows all of them alike.
for (let run = 0; run < RUNS; run++) {
  for (const { termsOf, sample, megabytes, speeds } of pipelines) {
    const before = performance.now();
    for (const text of sample) termsOf(text);
    speeds.push(megabytes / ((performance.now() - before) / 1000));
  }
}

console.log(
  `textbooks: ${texts.length} documents, ${pipelines[0]!.megabytes.toFixed(1)} MB; median MB/s of ${RUNS} runs; ` +
    `Node ${process.versions.node}, ICU ${process.versions.icu}`,
);
const reference = median(pipelines[0]!.speeds);
for (const { name, megabytes, speeds } of pipelines) {
  const speed = median(speeds);
  const ratio = (reference / speed).toFixed(2);
  console.log(
    `${speed.toFixed(2).padStart(7)} MB/s  english is ${ratio} x as fast  ${name} (${megabytes.toFixed(1)} MB)`,
  );
}
console.log(
  `first run of english, its vocabulary still unknown: ${pipelines[0]!.speeds[0]!.toFixed(1)} MB/s`,
);
