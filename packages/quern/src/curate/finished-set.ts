import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pathKindIfAny } from '../collections/files.ts';
import { QuernError } from '../errors.ts';
import type { Curation } from './curation.ts';

/** The head of a record is far shorter, whatever the number of its posts. */
const mostHeadBytes = 8 << 20;

/** What a record tells before its posts. */
export type RecordHead = Pick<Curation, 'options' | 'sources' | 'stages' | 'splits' | 'against'> & {
  readonly positives: number;
  /** The hashes of its files, by their names. */
  readonly files: Readonly<Record<string, string>>;
};

/**
 * The head of the record of the data set in a folder; undefined where there is no such folder. Throws `ALREADY_EXISTS`
 * where it holds anything else.
 */
export async function finishedSet(folder: string): Promise<RecordHead | undefined> {
  if ((await pathKindIfAny(folder)) === undefined) return undefined;
  try {
    const file = await open(join(folder, 'dataset.json'));
    try {
      const buffer = Buffer.alloc(mostHeadBytes);
      const { bytesRead } = await file.read(buffer, 0, mostHeadBytes, 0);
      const text = buffer.toString('utf8', 0, bytesRead);
      const end = text.indexOf(',\n  "posts": [');
      return JSON.parse(`${text.slice(0, end)}\n}`) as RecordHead;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new QuernError('ALREADY_EXISTS', 'is there already, and holds no data set of quern curate', {
      where: folder,
      hint: 'Choose another folder',
      cause,
    });
  }
}

/**
 * What a data set that is there lacks: a file, or the collection that was made with it and is asked for; undefined where
 * nothing is.
 */
export async function lackingOf(
  { files }: RecordHead,
  folder: string,
  retrieval: string | undefined,
): Promise<string | undefined> {
  for (const name of [...Object.keys(files), 'README.md', 'report.html']) {
    if ((await pathKindIfAny(join(folder, name))) === undefined) return name;
  }
  if (retrieval === undefined || (await pathKindIfAny(join(retrieval, 'corpus.jsonl'))) !== undefined)
    return undefined;
  return `its collection for retrieval in ${retrieval}`;
}
