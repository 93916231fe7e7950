import { lowerBound } from '../lexical/lower-bound.ts';
import type { DocumentSearch } from './document-search.ts';
import { readRow } from './row-layout.ts';
import type { VectorFile } from './vector-file.ts';
import type { MeasuredRecall } from './vector-manifest.ts';

const at = 10;
const mostQueries = 200;

/**
 * The recall of `search` against comparing all vectors of `file`, which has them as 32-bit floats, documents by their best
 * passages. Queries are vectors of the file at equal distances. Undefined with less than two documents.
 */
export async function measuredRecall(
  file: VectorFile,
  search: DocumentSearch,
  signal?: AbortSignal,
): Promise<MeasuredRecall | undefined> {
  const { layout, rowOffsets } = file.rows;
  const documents = rowOffsets.length - 1;
  if (documents < 2) return undefined;
  const rows = rowOffsets[documents];
  const count = Math.min(mostQueries, rows);
  const queries: Float32Array[] = [];
  const own: number[] = [];
  for (let i = 0; i < count; i++) {
    const row = Math.floor(((i + 0.5) * rows) / count);
    const document = lowerBound(rowOffsets, 0, documents, row + 1) - 1;
    const { buffer, byteOffset } = await file.read(document);
    const place = byteOffset + (row - rowOffsets[document]) * layout.bytes;
    queries.push(readRow(new DataView(buffer, place, layout.bytes), layout));
    own.push(document);
  }
  const isAdmitted = (document: number, query: number): boolean => document !== own[query];
  const best = await file.best(queries, { k: at, aggregation: 'max', isAdmitted }, signal);
  let sum = 0;
  for (const [i, query] of queries.entries()) {
    const truth = new Set(best[i].documents.filter((_, j) => isAmongBest(best[i].scores, j)));
    const task = { k: at, aggregation: 'max', excluded: new Set([own[i]]), threads: 1, signal } as const;
    for await (const { documents: others, scores } of search.found([query], task)) {
      const hits = others.filter((document, j) => truth.has(document) && isAmongBest(scores, j));
      sum += Math.min(1, hits.length / Math.min(at, truth.size));
    }
  }
  return { mean: sum / count, at, queries: count };
}

/** Whether the score at `place` is one of the best, or as good as the last of them. */
function isAmongBest(scores: readonly number[], place: number): boolean {
  let better = 0;
  for (const score of scores) if (score > scores[place]) better++;
  return better < at;
}
