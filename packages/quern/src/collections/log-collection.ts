import { QuernError } from '../errors.ts';
import { clickLevels } from './click-levels.ts';
import type { Collection } from './collection.ts';
import { logSplits, readQueryLog } from './query-log.ts';
import type { LogSplit, QueriesAndSearches, QueryLogFacts, QueryLogOptions } from './query-log.ts';
import type { Topic } from './records.ts';

/** How often the queries of a log were asked. */
export interface LogTraffic {
  readonly facts: QueryLogFacts;
  /** The judged queries, by their topics' ids. */
  readonly judged: ReadonlyMap<string, { readonly searches: number; readonly spellings: number }>;
  /** The queries without a judgement. */
  readonly unknown: QueriesAndSearches & { readonly spellings: number };
  /** How many documents are judged, over all queries, and how many of them by a single click. */
  readonly judgements: { readonly documents: number; readonly bySingleClick: number };
}

/**
 * The collection in a query log: its topics are the queries that have judgements, which are made from the clicks
 * (`clickLevels`). It has no documents. Throws `USAGE` for a split that logs do not have, `BAD_INPUT` where no query
 * has a judgement, and what `readQueryLog` throws.
 */
export async function openLog(
  path: string,
  { split, ...options }: Omit<QueryLogOptions, 'split'> & { readonly split?: string },
): Promise<Collection> {
  const name = `log:${path}`;
  if (split !== undefined && !isLogSplit(split)) {
    throw new QuernError('USAGE', `a query log has no split ${JSON.stringify(split)}`, {
      hint: `It has ${logSplits.join(', ')}`,
    });
  }
  const { facts, queries } = await readQueryLog(path, { ...options, split });
  const topics: Topic[] = [];
  const qrels: Map<string, ReadonlyMap<string, number>> = new Map();
  const judged = new Map<string, { searches: number; spellings: number }>();
  const unknown = { queries: 0, searches: 0, spellings: 0 };
  const judgements = { documents: 0, bySingleClick: 0 };
  for (const { id, text, searches, spellings, documents } of queries) {
    const levels = clickLevels(documents, facts.clickRules);
    if (levels.size === 0) {
      unknown.queries++;
      unknown.searches += searches;
      unknown.spellings += spellings;
      continue;
    }
    topics.push({ id, text, excluded: [] });
    qrels.set(id, levels);
    judged.set(id, { searches, spellings });
    judgements.documents += levels.size;
    for (const document of levels.keys())
      if (documents.get(document)!.clicks === 1) judgements.bySingleClick++;
  }
  if (topics.length === 0) throw withoutJudgement(path, facts);
  return {
    name,
    topics,
    qrels,
    defaultScoring: 'bm25',
    traffic: { facts, judged, unknown, judgements },
    corpus: () => Promise.reject(withoutDocuments(name)),
  };
}

/** The error that says that a log is searched in an index that is there already, and `folder`, if any, holds none. */
export function withoutDocuments(name: string, folder?: string): QuernError {
  const missing = folder === undefined ? '' : `, and there is no index in ${folder}`;
  return new QuernError('USAGE', `${name} has no documents of its own${missing}`, {
    hint: 'Name an index of the documents that were searched: --index FOLDER (quern index builds one)',
  });
}

function withoutJudgement(where: string, { rows, kept, split, clicksOnUnknown }: QueryLogFacts): QuernError {
  if (rows === 0) {
    return new QuernError('BAD_INPUT', 'the log has no rows', { where, hint: 'A row is a line of its own' });
  }
  const part = split === 'all' ? '' : ` in its part ${split}`;
  if (clicksOnUnknown > 0) {
    const what = `none of the ${clicksOnUnknown} clicks${part} that the rules leave is on a document of the index`;
    return new QuernError('BAD_INPUT', what, { where, hint: 'Is it the index of another corpus?' });
  }
  const what =
    kept.searches === 0 ? `the rules leave no search${part}` : `no query${part} has a click that counts`;
  const all = split === 'all' ? '' : '. All of the log is measured by --split all';
  return new QuernError('BAD_INPUT', what, {
    where,
    hint: `Judgements are made of clicks: the ids of documents in clicks${all}`,
  });
}

function isLogSplit(split: string): split is LogSplit {
  return (logSplits as readonly string[]).includes(split);
}
