import { lstat, open, type FileHandle } from 'node:fs/promises';
import { byteSize } from '../../byte-size.ts';
import { fileError, QuernError } from '../../errors.ts';
import { syncFolder } from '../../whole-file.ts';
import { arriving, type ArrivingOptions } from './arriving.ts';
import { countedRecords } from './checked-records.ts';
import { contentOf, noteRecords } from './corpus-facts.ts';
import { partsOf, passingName, type CorpusFile } from './data-names.ts';
import type { Reservation } from './data-space.ts';
import { removeBareCorpus } from './leftovers.ts';
import type { PlainTree } from './plain-tree.ts';

/** What was received. */
export interface ReceivedFile {
  readonly corpus: string;
  readonly file: CorpusFile;
  readonly bytes: number;
  /** Its documents, queries or judgements. */
  readonly records: number;
  /** Whether there was none before. */
  readonly isNew: boolean;
}

/** A file that comes to a corpus, and how. */
export interface Receiving extends ArrivingOptions {
  readonly tree: PlainTree;
  readonly corpus: string;
  readonly file: CorpusFile;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly mostBytes: number;
  readonly longestLine: number;
  readonly room: Reservation;
  /** Waited for before the file is put in its place; what it is called with runs by itself among the files of the corpus. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Receives a file: it is checked while it is written under a passing name, and takes its place, and that of an older one, when
 * it is whole and durable. Whatever is thrown, nothing is left. Throws `TOO_LARGE`, `BAD_INPUT` at `file:line`, `TIMEOUT`,
 * `DISK_FULL` and `ABORTED`.
 */
export async function receiveFile(receiving: Receiving): Promise<ReceivedFile> {
  const { tree, corpus, file, bytes, longestLine, signal, inTurn } = receiving;
  const passing = passingName(corpus, 'partial');
  try {
    const draft = await open(tree.path('corpora', passing), 'wx', 0o600);
    let content: string;
    let size: number;
    let records: number;
    try {
      const blocks = written(arriving(bytes, receiving), draft, receiving);
      records = await countedRecords(file, blocks, longestLine);
      await draft.sync();
      const stats = await draft.stat({ bigint: true });
      content = contentOf(stats);
      size = Number(stats.size);
    } finally {
      await draft.close();
    }
    const isNew = await inTurn(async () => {
      signal?.throwIfAborted();
      return putInPlace(tree, passing, { corpus, file, content, records });
    });
    return { corpus, file, bytes: size, records, isNew };
  } catch (error) {
    await tree.remove('corpora', passing).catch(() => undefined);
    if (signal?.aborted) throw new QuernError('ABORTED', 'stopped on request');
    throw fileError(error, `corpora/${corpus}/${file}`);
  }
}

async function* written(
  blocks: AsyncIterable<Buffer>,
  draft: FileHandle,
  { file, mostBytes, room }: Receiving,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const block of blocks) {
    bytes += block.length;
    if (bytes > mostBytes) throw tooLarge(file, mostBytes);
    await room.take(block.length);
    await draft.appendFile(block);
    yield block;
  }
}

/** The error for a file of more than the most bytes that are taken. */
export function tooLarge(file: CorpusFile, mostBytes: number): QuernError {
  return new QuernError('TOO_LARGE', `is larger than ${byteSize(mostBytes)}`, {
    where: file,
    hint: 'Split the corpus, or raise the limit in the configuration of the service',
  });
}

/** Gives what was received its name. Returns whether there was no such file. */
async function putInPlace(
  tree: PlainTree,
  passing: string,
  {
    corpus,
    file,
    ...count
  }: {
    readonly corpus: string;
    readonly file: CorpusFile;
    readonly content: string;
    readonly records: number;
  },
): Promise<boolean> {
  const place = ['corpora', corpus, ...partsOf(file)];
  const folder = place.slice(0, -1);
  try {
    await tree.makeFolder(...folder);
    const there = await lstat(tree.path(...place), { bigint: true }).catch(() => undefined);
    if (there && !there.isFile()) {
      throw new QuernError('IO', 'is something else than a file', { where: place.join('/') });
    }
    await noteRecords(tree, { corpus, file, ...count }, there && contentOf(there));
    await tree.rename('corpora', passing, place.slice(1).join('/'));
    await syncFolder(tree.path(...folder));
    return there === undefined;
  } catch (error) {
    await removeBareCorpus(tree, corpus).catch(() => undefined);
    throw error;
  }
}
