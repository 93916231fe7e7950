/**
 * FTS5 of SQLite through better-sqlite3: a contentless table, merged by `optimize`, ranked by `bm25()` (k1 and b fixed at
 * 1.2 and 0.75), with 256 MB of page cache. A query is its terms, quoted and joined with OR.
 */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { documentsOf, word, words, work, type Job } from './job.ts';

/** What is used of better-sqlite3. */
interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Statement {
  run(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
  pluck(): Statement;
  raw(): Statement;
}

function openDatabase({ packages, index }: Job): Database {
  const Sqlite = createRequire(join(packages, 'package.json'))('better-sqlite3') as new (
    path: string,
  ) => Database;
  mkdirSync(index, { recursive: true });
  const database = new Sqlite(join(index, 'fts.db'));
  database.exec('PRAGMA cache_size = -256000');
  return database;
}

function fill(job: Job, tokenizer: string, texts: Iterable<string>): void {
  const database = openDatabase(job);
  database.exec(`
    PRAGMA journal_mode = OFF;
    CREATE VIRTUAL TABLE docs USING fts5(text, content='', tokenize='${tokenizer}');
    BEGIN`);
  const insert = database.prepare('INSERT INTO docs(rowid, text) VALUES (?, ?)');
  let row = 0;
  for (const text of texts) insert.run(++row, text);
  database.exec(`INSERT INTO docs(docs) VALUES ('optimize'); COMMIT`);
  database.close();
}

function* textsOfTerms(job: Job): Generator<string> {
  for (const terms of documentsOf(job)) yield words(terms);
}

await work<string>({
  version(job) {
    const [version] = openDatabase(job).prepare('SELECT sqlite_version()').pluck().all();
    const { version: binding } = createRequire(join(job.packages, 'package.json'))(
      'better-sqlite3/package.json',
    ) as { version: string };
    return `SQLite ${version as string} (better-sqlite3 ${binding})`;
  },
  async index(job) {
    fill(job, 'ascii', textsOfTerms(job));
    return undefined;
  },
  async indexTexts(job, texts) {
    fill(job, 'porter unicode61', texts);
    return undefined;
  },
  async open(job) {
    const best = openDatabase(job)
      .prepare('SELECT rowid, rank FROM docs WHERE docs MATCH ? ORDER BY rank LIMIT ?')
      .raw();
    return {
      query: (terms) => terms.map((term) => `"${word(term)}"`).join(' OR '),
      search: (query, k) => best.all(query, k),
      rank(query, k) {
        const rows = best.all(query, k) as [number, number][];
        return { documents: rows.map(([row]) => row - 1), scores: rows.map(([, rank]) => -rank) };
      },
    };
  },
});
