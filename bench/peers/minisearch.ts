/** MiniSearch as it is (BM25+): the terms joined with OR, no prefixes, nothing fuzzy. Its index on disk is JSON. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { documentsOf, words, work, type Job } from './job.ts';

/** What is used of MiniSearch. */
interface MiniSearch {
  add(document: { id: number; text: string }): void;
  search(query: string): { id: number; score: number }[];
}

interface MiniSearchClass {
  new (options: object): MiniSearch;
  loadJSON(json: string, options: object): MiniSearch;
}

/** For terms that are analysed already. */
const asTheyAre = {
  fields: ['text'],
  tokenize: (text: string) => text.split(' '),
  processTerm: (term: string) => term,
};

function miniSearch({ packages }: Job): MiniSearchClass {
  return createRequire(join(packages, 'package.json'))('minisearch') as MiniSearchClass;
}

function save({ index }: Job, filled: MiniSearch): void {
  mkdirSync(index, { recursive: true });
  writeFileSync(join(index, 'index.json'), JSON.stringify(filled));
}

await work<string>({
  version({ packages }) {
    const path = join(packages, 'node_modules/minisearch/package.json');
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
    return `MiniSearch ${version}`;
  },
  async index(job) {
    const filled = new (miniSearch(job))(asTheyAre);
    let id = 0;
    for (const terms of documentsOf(job)) filled.add({ id: id++, text: words(terms) });
    save(job, filled);
    return undefined;
  },
  async indexTexts(job, texts) {
    const filled = new (miniSearch(job))({ fields: ['text'] });
    for (const [id, text] of texts.entries()) filled.add({ id, text });
    save(job, filled);
    return undefined;
  },
  async open(job) {
    const opened = miniSearch(job).loadJSON(readFileSync(join(job.index, 'index.json'), 'utf8'), asTheyAre);
    return {
      query: words,
      search: (query, k) => opened.search(query).slice(0, k),
      rank(query, k) {
        const hits = opened.search(query).slice(0, k);
        return { documents: hits.map(({ id }) => id), scores: hits.map(({ score }) => score) };
      },
    };
  },
});
