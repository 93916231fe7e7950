/**
 * The manifest of an index, `manifest.json`: which files make it up, and what they hold together. Whoever has read it
 * has a snapshot of the index, as the files it names never change; a commit is the rename of a new manifest over the old
 * one.
 */
import { createHash } from 'node:crypto';
import { access, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { fileError, QuernError } from '../errors.ts';
import { syncFolder } from '../whole-file.ts';
import { formatVersion, wrongVersion } from './index-format.ts';
import { manifestFileName, oldIndexFileName, partialName, segmentNumber } from './index-folder.ts';

/** A segment, as the manifest names it. */
export interface SegmentEntry {
  /** `segment-N.quern`. */
  readonly file: string;
  /** The documents in it, the deleted ones too. */
  readonly documents: number;
  /** The postings in it, those of deleted documents too. */
  readonly postings: number;
  readonly bytes: number;
  /** CRC-32 of its table. */
  readonly checksum: number;
  /** Which of its documents are deleted; absent where none is. */
  readonly deletions?: {
    /** `deleted-N-G.quern`, where G is the generation that wrote it. */
    readonly file: string;
    /** How many. */
    readonly documents: number;
  };
}

/** What an index holds; deleted documents count only as `deleted`. */
export interface IndexTotals {
  readonly documents: number;
  readonly documentsWithTerms: number;
  readonly postings: number;
  readonly tokens: number;
  /** Documents that are deleted but still in a segment. */
  readonly deleted: number;
}

/** What makes up an index. */
export interface Manifest {
  /** Goes up by one with every commit. */
  readonly generation: number;
  readonly analyzer: string;
  /** Whether documents are stored for display. */
  readonly stored: boolean;
  /** The number of the next segment; none is ever used twice. */
  readonly nextSegment: number;
  readonly segments: readonly SegmentEntry[];
  readonly totals: IndexTotals;
  /**
   * What documents were added and in what steps, as a hash (see {@link contentAfter}): it changes when documents are added or
   * replaced, and not when some are deleted or segments are merged. What is made of the documents' texts is known by it. Absent
   * of an index that was last added to before there was this.
   */
  readonly content?: string;
  /** What `content` was before documents were last added; absent of an index that was built and never added to. */
  readonly previousContent?: string;
}

/** Which state of an index a manifest is of. */
export type IndexState = Pick<Manifest, 'generation' | 'content' | 'previousContent'>;

/** How a manifest begins, as JSON. */
const format = 'quern index';

/** The `content` of an index to which these segments were added, of an index built of them where `previous` is absent. */
export function contentAfter(
  previous: string | undefined,
  added: readonly Pick<SegmentEntry, 'checksum'>[],
): string {
  const steps = [previous ?? '', ...added.map(({ checksum }) => checksum)];
  return createHash('sha256').update(steps.join('\n')).digest('hex').slice(0, 32);
}

/** Whether there is an index in `folder`, of whatever version. */
export async function hasIndex(folder: string): Promise<boolean> {
  for (const name of [manifestFileName, oldIndexFileName]) {
    const found = await access(join(folder, name)).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Reads the manifest of the index in `folder`. Throws `NOT_FOUND`, `CORRUPT_FILE` or `WRONG_VERSION`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestFileName);
  let json: string;
  try {
    // Opening a pipe would wait for a writer.
    if (!(await stat(path)).isFile()) throw corruptManifest(path, 'not a regular file');
    json = await readFile(path, 'utf8');
  } catch (error) {
    const mapped = fileError(error, path);
    if (!(mapped instanceof QuernError && mapped.code === 'NOT_FOUND')) throw mapped;
    if (await hasIndex(folder)) throw wrongVersion(folder, 1);
    throw new QuernError('NOT_FOUND', `no index here (no ${manifestFileName})`, {
      where: folder,
      hint: 'Build one with: quern index CORPUS --out FOLDER',
      cause: error,
    });
  }
  return parsedManifest(json, path);
}

/** What is in the file of a manifest. */
export function manifestText(manifest: Manifest): string {
  const content = { format, version: formatVersion, ...manifest };
  return `${JSON.stringify({ ...content, checksum: checksumOf(content) }, null, 2)}\n`;
}

/** Puts a manifest in place: after this, `folder` holds the index that it describes, even if the power fails. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const path = join(folder, manifestFileName);
  try {
    const file = await open(partialName(path), 'w');
    try {
      await file.writeFile(manifestText(manifest));
      await file.sync();
    } finally {
      await file.close();
    }
    // The files that it names must be found when it is.
    await syncFolder(folder);
    await rename(partialName(path), path);
    await syncFolder(folder);
  } catch (error) {
    throw fileError(error, path);
  }
}

/** The names of the files that a manifest stands on, its own included. */
export function namedFiles({ segments }: Pick<Manifest, 'segments'>): Set<string> {
  const names = segments.flatMap(({ file, deletions }) => (deletions ? [file, deletions.file] : [file]));
  return new Set([manifestFileName, ...names]);
}

/**
 * What `opened` makes of the manifest of the index in `folder`. A writer may remove files between the reading of the
 * manifest and their opening: where `opened` throws `NOT_FOUND` for one and the manifest has changed, it is called with the
 * new one.
 */
export async function openSnapshot<T>(
  folder: string,
  opened: (manifest: Manifest) => Promise<T>,
): Promise<T> {
  let manifest = await readManifest(folder);
  for (;;) {
    try {
      return await opened(manifest);
    } catch (error) {
      if (!(error instanceof QuernError && error.code === 'NOT_FOUND')) throw error;
      if (error.where === undefined || resolve(dirname(error.where)) !== resolve(folder)) throw error;
      const latest = await readManifest(folder);
      if (JSON.stringify(latest) === JSON.stringify(manifest)) {
        throw new QuernError('CORRUPT_FILE', 'a file that the manifest names is missing', {
          where: error.where,
          hint: 'The index is damaged: build it again',
          cause: error,
        });
      }
      manifest = latest;
    }
  }
}

function parsedManifest(json: string, path: string): Manifest {
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(json) as Record<string, unknown>;
    if (content['format'] !== format) throw new Error('another format');
  } catch (error) {
    throw corruptManifest(path, 'not the manifest of an index', error);
  }
  const { checksum, ...rest } = content;
  if (rest['version'] !== formatVersion) throw wrongVersion(path, rest['version']);
  if (checksum !== checksumOf(rest)) throw corruptManifest(path, 'the checksum does not match');
  const { format: _, version: __, ...manifest } = rest;
  if (!isManifest(manifest)) throw corruptManifest(path, 'does not say what a manifest has to say');
  return manifest;
}

/** JSON keeps the order of keys, so what was parsed is written again as it was. */
function checksumOf(content: object): number {
  return crc32(JSON.stringify(content));
}

function isManifest(value: object): value is Manifest {
  const { generation, analyzer, stored, nextSegment, segments, totals } = value as Partial<Manifest>;
  const { content, previousContent } = value as Partial<Manifest>;
  if (![content, previousContent].every((each) => each === undefined || typeof each === 'string'))
    return false;
  if (!isCount(generation) || typeof analyzer !== 'string' || typeof stored !== 'boolean') return false;
  if (!isCount(nextSegment) || !Array.isArray(segments)) return false;
  if (!segments.every((segment) => isEntry(segment, nextSegment))) return false;
  if (new Set(segments.map(({ file }) => file)).size !== segments.length) return false;
  if (typeof totals !== 'object' || totals === null) return false;
  const counts = ['documents', 'documentsWithTerms', 'postings', 'tokens', 'deleted'] as const;
  if (!counts.every((name) => isCount(totals[name]))) return false;
  const deleted = sumOf(segments, ({ deletions }) => deletions?.documents ?? 0);
  const documents = sumOf(segments, (segment) => segment.documents);
  return totals.deleted === deleted && totals.documents === documents - deleted;
}

function isEntry(value: unknown, nextSegment: number): value is SegmentEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { file, documents, postings, bytes, checksum, deletions } = value as Partial<SegmentEntry>;
  const number = typeof file === 'string' ? segmentNumber(file) : undefined;
  if (number === undefined || number >= nextSegment) return false;
  if (![documents, postings, bytes, checksum].every(isCount)) return false;
  if (deletions === undefined) return true;
  return (
    typeof deletions === 'object' &&
    deletions !== null &&
    typeof deletions.file === 'string' &&
    new RegExp(`^deleted-${number}-\\d+\\.quern$`).test(deletions.file) &&
    isCount(deletions.documents) &&
    deletions.documents > 0 &&
    deletions.documents <= documents!
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  let sum = 0;
  for (const item of items) sum += value(item);
  return sum;
}

function corruptManifest(where: string, what: string, cause?: unknown): QuernError {
  return new QuernError('CORRUPT_FILE', what, {
    where,
    hint: 'The index is damaged: build it again',
    cause,
  });
}
