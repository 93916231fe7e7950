import type { CommittedSegment, CommittedSegments } from './committed-segments.ts';
import { deletedBefore, isDeleted, withDeleted } from './deletions.ts';
import { partialName, segmentFileName } from './index-folder.ts';
import type { WrittenSegment } from './segment-draft.ts';

/** What a merge is of, as it was when the merge began, and what number its segment has. */
export interface MergedSegments {
  readonly sources: readonly CommittedSegment[];
  readonly number: number;
}

/**
 * Puts a merged segment in the place of its sources, by a manifest of its own. Documents deleted since the merge began
 * are deleted in it, and those whose deletion is pending are so in it.
 */
export async function installMerge(
  committed: CommittedSegments,
  { sources, number }: MergedSegments,
  written: WrittenSegment,
  isNeeded: (segment: CommittedSegment) => boolean,
): Promise<void> {
  await committed.place(async (made) => {
    made.push(partialName(segmentFileName(number)));
    const opened = await committed.openWritten(number, written, made);
    const files = sources.map(({ entry }) => entry.file);
    const place = committed.all.findIndex(({ entry }) => entry.file === files[0]);
    const others = committed.all.filter(({ entry }) => !files.includes(entry.file));
    const { deleted, pending } = deletedSince(sources, committed.all);
    const merged = { ...opened, pending: new Set(pending) };
    if (deleted.length === 0) return others.toSpliced(place, 0, merged);
    try {
      const deletions = await withDeleted(merged.file, undefined, deleted);
      return others.toSpliced(place, 0, await committed.withDeletions(merged, deletions, made));
    } catch (error) {
      await merged.file.close();
      throw error;
    }
  }, isNeeded);
}

/**
 * The numbers in the merged segment of the documents that are deleted in `now`, but were not in `sources`, and of those
 * whose deletion is pending.
 */
function deletedSince(
  sources: readonly CommittedSegment[],
  now: readonly CommittedSegment[],
): { deleted: readonly number[]; pending: readonly number[] } {
  const deleted: number[] = [];
  const pending: number[] = [];
  let base = 0;
  for (const source of sources) {
    const current = now.find(({ entry }) => entry.file === source.entry.file)!;
    const before = source.deletions?.documents ?? new Uint32Array();
    const inMerged = (document: number): number => base + document - deletedBefore(before, document);
    for (const document of current.deletions?.documents ?? []) {
      if (!isDeleted(source.deletions, document)) deleted.push(inMerged(document));
    }
    for (const document of current.pending) pending.push(inMerged(document));
    base += source.file.table.documents - before.length;
  }
  return { deleted, pending };
}
