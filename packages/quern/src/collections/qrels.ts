import { readBeirQrels } from './beir.ts';
import { readLines } from './lines.ts';
import type { Qrels } from './records.ts';
import { readTrecQrels } from './trec-qrels.ts';

/**
 * Judgements in the form that their first line shows: three columns are BEIR's, anything else is read as TREC's. Throws
 * as reading either form does.
 */
export async function readQrels(path: string): Promise<Qrels> {
  for await (const { text } of readLines(path)) {
    const line = text.trim();
    if (line === '' || line.startsWith('#')) continue;
    return line.split(/\s+/u).length === 3 ? readBeirQrels(path) : readTrecQrels(path);
  }
  return readTrecQrels(path);
}
