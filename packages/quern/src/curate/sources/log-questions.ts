import { basename } from 'node:path';
import { clickLevels } from '../../collections/click-levels.ts';
import { openCorpus } from '../../collections/open-corpus.ts';
import { readQueryLog, type LoggedQuery, type QueryLog } from '../../collections/query-log.ts';
import { documentText } from '../../collections/records.ts';
import { QuernError } from '../../errors.ts';
import type { PostedQuestion } from '../post.ts';
import type { PostSource, SourceBatch } from './post-source.ts';

/** What the queries of a log are read with. */
export interface LogOptions extends Pick<PostSource, 'stamp' | 'file'> {
  /** The documents that were searched. */
  readonly corpus: string;
}

/**
 * The queries of a log as a source, the documents that were clicked being their answers: the levels that clicks make of them
 * (`clickLevels`) stand for the scores. Where the log has times, it is the earlier part that is read, `train`, so that what is
 * learned can be measured on the later one. Throws `USAGE` where the corpus has no texts.
 */
export function logQuestions(path: string, { corpus, ...facts }: LogOptions): PostSource {
  const title = basename(path);
  return {
    kind: 'log',
    name: path,
    title,
    ...(facts.file && { bytes: facts.file.bytes }),
    ...facts,
    async *read(from, { faults, signal }): AsyncGenerator<SourceBatch> {
      const done = facts.file?.bytes ?? 0;
      if (from.rows > 0) return;
      const { facts: read, queries } = await earlierPart(path, signal);
      const asked = queries.map((query) => ({
        query,
        levels: clickLevels(query.documents, read.clickRules),
      }));
      const wanted = new Set(asked.flatMap(({ levels }) => [...levels.keys()]));
      const texts = await documentTexts(corpus, wanted, signal);
      for (const { query, levels } of asked) {
        for (const id of levels.keys()) {
          if (!texts.has(id))
            faults.add('a clicked document that is not in the corpus', `${path}, query ${query.id}`);
        }
      }
      const posts = asked.map(({ query, levels }) => questionOf(query, levels, texts, title));
      yield { posts, position: { offset: 0, rows: read.rows }, doneBytes: done };
    },
  };
}

/** The part of a log before the cut, and all of one without times. */
async function earlierPart(path: string, signal?: AbortSignal): Promise<QueryLog> {
  try {
    return await readQueryLog(path, { split: 'train', signal });
  } catch (error) {
    if (!(error instanceof QuernError) || error.code !== 'USAGE') throw error;
    return readQueryLog(path, { split: 'all', signal });
  }
}

function questionOf(
  { id, text }: LoggedQuery,
  levels: ReadonlyMap<string, number>,
  texts: ReadonlyMap<string, string>,
  title: string,
): PostedQuestion {
  const domain = title.replace(/\.(?:tsv|jsonl?)(?:\.gz)?$/i, '');
  return {
    kind: 'question',
    id,
    domain,
    body: text,
    isHtml: false,
    answers: [...levels]
      .filter(([document]) => texts.has(document))
      .map(([document, level]) => ({
        kind: 'answer',
        id: document,
        question: id,
        domain,
        body: texts.get(document)!,
        isHtml: false,
        preference: level,
      })),
  };
}

/** The texts of those documents of a corpus that are wanted. */
async function documentTexts(
  path: string,
  wanted: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const corpus = await openCorpus(path, { signal });
  if (corpus.kind !== 'text') {
    throw new QuernError('USAGE', 'the corpus has term vectors and no texts', { where: path });
  }
  const texts = new Map<string, string>();
  for await (const { document } of corpus.documents()) {
    if (wanted.has(document.id)) texts.set(document.id, documentText(document));
  }
  return texts;
}
