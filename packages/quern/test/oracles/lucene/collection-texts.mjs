/**
 * The texts of the shared data that Lucene's digests are kept for, read the same way for the oracle and for the test.
 * Run by itself it prints one JSON string a line:
 *
 *     node collection-texts.mjs FOLDER_OF_THE_SHARED_DATA NAME
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';

const read = (path) =>
  (path.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path)).toString('utf8');
const lines = (path) =>
  read(path)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));

const documents = (name) => (folder) =>
  lines(join(folder, name, 'corpus.jsonl.gz')).map(({ title, text }) => (title ? `${title} ${text}` : text));

const topics = (folder) =>
  readdirSync(join(folder, 'bright/topics'))
    .sort()
    .flatMap((file) => lines(join(folder, 'bright/topics', file)).map(({ query }) => query));

const reasoned = (model) => (folder) =>
  Object.entries(JSON.parse(read(join(folder, `bright/reasoned/TongSearch-QR-${model}.json.gz`)))).flat();

const attribute = (row, name) =>
  (new RegExp(` ${name}="([^"]*)"`).exec(row)?.[1] ?? '')
    .replaceAll(/&#x([0-9A-Fa-f]+);/g, (_, hex) => String.fromCodePoint(parseInt(hex, 16)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');

const posts = (site) => (folder) =>
  read(join(folder, 'stackexchange', site, 'Posts.xml'))
    .split('\n')
    .filter((row) => row.includes('<row '))
    .map((row) => attribute(row, 'Body'));

const collections = {
  cranfield: documents('cranfield'),
  cacm: documents('cacm'),
  'nfcorpus-dev': documents('nfcorpus-dev'),
  textbooks: documents('textbooks'),
  'textbooks-queries': (folder) => lines(join(folder, 'textbooks/queries.jsonl')).map(({ text }) => text),
  'bright-topics': topics,
  'reasoned-1.5B': reasoned('1.5B'),
  'reasoned-7B': reasoned('7B'),
  skeptics: (folder) =>
    lines(join(folder, 'text/skeptics/web_science_dataset.jsonl')).flatMap((row) => [
      row.question,
      row.answer,
    ]),
  'stackexchange-beer': posts('beer.2017'),
  'stackexchange-coffee': posts('coffee.2015'),
  'stackexchange-matheducators': posts('matheducators.2015'),
  'porter-vocabulary': (folder) => read(join(folder, 'reference/stemmers/porter/voc.txt')).trim().split('\n'),
};

export const collectionNames = Object.keys(collections);

export function collectionTexts(folder, name) {
  return collections[name](folder);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder, name] = process.argv.slice(2);
  for (const text of collectionTexts(folder, name)) console.log(JSON.stringify(text));
}
