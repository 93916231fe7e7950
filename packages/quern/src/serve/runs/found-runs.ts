import { evaluationFiles } from '../../evaluate/saved-evaluation.ts';
import { isRun } from '../../train/watch/run-folders.ts';
import { foundFolders, type FolderLimits, type FoundFolder } from './found-folders.ts';

/** What a run is of. */
export const runKinds = ['training', 'evaluation'] as const;

export type RunKind = (typeof runKinds)[number];

/** The folder of a run. */
export type FoundRun = FoundFolder<RunKind>;

/** How far runs are looked for. */
export interface FindingLimits extends Omit<FolderLimits, 'most'> {
  /** Default 1,000. */
  readonly runs?: number;
}

/** The runs in declared folders, each of which is a run, or holds runs, or folders that do, as {@link foundFolders} finds them. */
export async function foundRuns(
  declared: readonly string[],
  { runs: most, ...limits }: FindingLimits = {},
): Promise<{ readonly found: readonly FoundRun[]; readonly isCut: boolean }> {
  return foundFolders(declared, kindOf, { ...limits, ...(most !== undefined && { most }) });
}

function kindOf(names: readonly string[]): RunKind | undefined {
  if (names.includes(evaluationFiles.record)) return 'evaluation';
  return isRun(names) ? 'training' : undefined;
}
