/**
 * The segments of an index as its writer has them: those of the last commit, with what is to be deleted from them by the
 * next one, and how the next manifest takes the place of the last.
 */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeleted, withDeleted, writeDeletions, type Deletions } from './deletions.ts';
import type { IndexFile } from './index-file.ts';
import { deletionsFileName, partialName, removeFile } from './index-folder.ts';
import { segmentFileName, segmentNumber } from './index-folder.ts';
import { contentAfter, namedFiles, readManifest, writeManifest } from './manifest.ts';
import type { IndexTotals, Manifest } from './manifest.ts';
import type { SegmentEntry } from './manifest.ts';
import type { WrittenSegment } from './segment-draft.ts';
import { idPool, openSegmentFiles, readIds } from './segment-files.ts';
import type { StringPool } from './string-pool.ts';

/** A segment of the index as of the last commit, and what the next commit is to delete from it. */
export interface CommittedSegment {
  readonly entry: SegmentEntry;
  readonly file: IndexFile;
  readonly ids: StringPool;
  readonly deletions: Deletions | undefined;
  readonly pending: Set<number>;
}

/** The segments of an index as of the last commit, open. Only for who holds the lock. */
export class CommittedSegments {
  readonly folder: string;
  #manifest: Manifest;
  #segments: readonly CommittedSegment[];
  #nextNumber: number;

  private constructor(folder: string, manifest: Manifest, segments: readonly CommittedSegment[]) {
    this.folder = folder;
    this.#manifest = manifest;
    this.#segments = segments;
    this.#nextNumber = manifest.nextSegment;
  }

  /** Opens the segments that the manifest of the index in `folder` names. Throws what `openSegmentFiles` throws. */
  static async open(folder: string, manifest: Manifest): Promise<CommittedSegments> {
    const segments: CommittedSegment[] = [];
    try {
      for (const entry of manifest.segments) segments.push(await openSegment(folder, entry, manifest));
      return new CommittedSegments(folder, manifest, segments);
    } catch (error) {
      for (const { file } of segments) await file.close();
      throw error;
    }
  }

  /** The manifest of the last commit. */
  get manifest(): Manifest {
    return this.#manifest;
  }

  /** In the order of the manifest. */
  get all(): readonly CommittedSegment[] {
    return this.#segments;
  }

  /** The number that the next segment will have. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** A number that no segment has had. */
  takeNumber(): number {
    return this.#nextNumber++;
  }

  /** Notes that the document with this id is to be deleted; false where there is none, or it is noted already. */
  noteDeletion(id: string): boolean {
    for (const { ids, deletions, pending } of this.#segments) {
      const number = ids.numberOf(id);
      if (number < 0 || isDeleted(deletions, number)) continue;
      if (pending.has(number)) return false;
      pending.add(number);
      return true;
    }
    return false;
  }

  /** All segments, their pending deletions written; `made` gets the names of the files that this makes. */
  async withPending(made: string[], signal: AbortSignal | undefined): Promise<readonly CommittedSegment[]> {
    const segments: CommittedSegment[] = [];
    for (const segment of this.#segments) {
      const { file, deletions, pending } = segment;
      if (pending.size > 0) {
        const all = await withDeleted(file, deletions, pending, signal);
        segments.push({ ...(await this.withDeletions(segment, all, made)), pending: new Set() });
      } else segments.push(segment);
    }
    return segments;
  }

  /** The segment with other deletions, written; `made` gets the name of their file. */
  async withDeletions(
    segment: CommittedSegment,
    deletions: Deletions,
    made: string[],
  ): Promise<CommittedSegment> {
    const number = segmentNumber(segment.entry.file)!;
    const file = deletionsFileName(number, this.#manifest.generation + 1);
    made.push(file);
    await writeDeletions(join(this.folder, file), deletions);
    const entry = { ...segment.entry, deletions: { file, documents: deletions.documents.length } };
    return { ...segment, entry, deletions };
  }

  /** Gives a segment that was written its final name and opens it; `made` gets that name. */
  async openWritten(
    number: number,
    { facts, bytes, checksum }: WrittenSegment,
    made: string[],
  ): Promise<CommittedSegment> {
    const file = segmentFileName(number);
    made.push(file);
    await rename(join(this.folder, partialName(file)), join(this.folder, file));
    const { documents, postings } = facts;
    return openSegment(this.folder, { file, documents, postings, bytes, checksum }, this.#manifest);
  }

  /**
   * Makes the segments that `change` gives those of the index, by a manifest of the next generation; of those without
   * living documents only the ones that `isNeeded`. `change` notes the names of the files that it makes; where something
   * fails, those are removed again. With `isAdding`, the segments that are new hold documents that were not there.
   */
  async place(
    change: (made: string[]) => Promise<readonly CommittedSegment[]>,
    isNeeded: (segment: CommittedSegment) => boolean,
    isAdding = false,
  ): Promise<void> {
    const made: string[] = [];
    const { generation, analyzer, stored, content, previousContent } = this.#manifest;
    let changed: readonly CommittedSegment[] = [];
    try {
      changed = await change(made);
      const kept = changed.filter((segment) => !isEmpty(segment) || isNeeded(segment));
      const manifest = {
        generation: generation + 1,
        analyzer,
        stored,
        nextSegment: this.#nextNumber,
        segments: kept.map(({ entry }) => entry),
        totals: totalsOf(kept),
        ...(isAdding
          ? { content: contentAfter(content ?? '', this.#newOf(changed)), previousContent: content ?? '' }
          : { content, previousContent }),
      };
      await writeManifest(this.folder, manifest);
      const named = namedFiles(manifest);
      for (const { file } of [...this.#segments, ...changed]) {
        if (!kept.some((segment) => segment.file === file)) await file.close();
      }
      for (const name of [...namedFiles(this.#manifest), ...made]) {
        if (!named.has(name)) await removeFile(join(this.folder, name));
      }
      this.#segments = kept;
      this.#manifest = manifest;
    } catch (error) {
      for (const { file } of changed)
        if (!this.#segments.some((old) => old.file === file)) await file.close();
      // Should the manifest have been put in place before the error, they are part of the index.
      const current = await readManifest(this.folder).catch(() => undefined);
      const named = current && namedFiles(current);
      for (const name of made) if (named && !named.has(name)) await removeFile(join(this.folder, name));
      throw error;
    }
  }

  /** The entries of segments that the index has not yet. */
  #newOf(changed: readonly CommittedSegment[]): SegmentEntry[] {
    const old = new Set(this.#segments.map(({ entry }) => entry.file));
    return changed.map(({ entry }) => entry).filter(({ file }) => !old.has(file));
  }

  /** Closes the files. */
  async close(): Promise<void> {
    for (const { file } of this.#segments) await file.close();
    this.#segments = [];
  }
}

async function openSegment(
  folder: string,
  entry: SegmentEntry,
  manifest: Pick<Manifest, 'analyzer' | 'stored'>,
): Promise<CommittedSegment> {
  const { file, deletions } = await openSegmentFiles(folder, entry, manifest);
  try {
    return { entry, file, ids: idPool(await readIds(file)), deletions, pending: new Set() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Whether all documents of a segment are deleted. */
function isEmpty({ file, deletions }: CommittedSegment): boolean {
  return (deletions?.documents.length ?? 0) === file.table.documents;
}

function totalsOf(segments: readonly CommittedSegment[]): IndexTotals {
  const totals = { documents: 0, documentsWithTerms: 0, postings: 0, tokens: 0, deleted: 0 };
  for (const { file, deletions } of segments) {
    const { table } = file;
    const deleted = deletions?.documents.length ?? 0;
    totals.documents += table.documents - deleted;
    totals.documentsWithTerms += table.documentsWithTerms - (deletions?.documentsWithTerms ?? 0);
    totals.postings += table.postings - (deletions?.postings ?? 0);
    totals.tokens += table.tokens - (deletions?.tokens ?? 0);
    totals.deleted += deleted;
  }
  return totals;
}
