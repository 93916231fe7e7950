import type { FaultCounts } from '../faults.ts';
import type { Post } from '../post.ts';
import type { DumpFile } from './dump-source.ts';

/** A place in a source that reading can go on from, after a kill as well. */
export interface SourcePosition {
  /** Bytes, or whatever the source counts its parts by. */
  readonly offset: number;
  /** Rows, lines or records before it. */
  readonly rows: number;
}

export const sourceStart: SourcePosition = { offset: 0, rows: 0 };

/** Posts that a source gave, and how far it is after them. */
export interface SourceBatch {
  readonly posts: readonly Post[];
  readonly position: SourcePosition;
  /** Bytes of the source that are done; of `PostSource.bytes`. */
  readonly doneBytes: number;
}

/** What posts come from. */
export type SourceKind = 'dump' | 'preferences' | 'own' | 'log';

/** One file that posts are read from. */
export interface PostSource {
  readonly kind: SourceKind;
  /** As errors, places and progress name it. */
  readonly name: string;
  /** As the data set's record names it: no path of this machine. */
  readonly title: string;
  /** What tells whether it is still the same when a run is resumed: size and time of change, or a commit. */
  readonly stamp: string;
  readonly bytes?: number;
  /** The path of the file here that it is read from, and the bytes of that. */
  readonly file?: { readonly path: string; readonly bytes: number };
  read(
    from: SourcePosition,
    reading: { readonly faults: FaultCounts; readonly signal?: AbortSignal },
  ): AsyncIterable<SourceBatch>;
  /** Of a dump: the site's host, and its other files. */
  readonly site?: { readonly host: string; readonly links?: DumpFile; readonly users?: DumpFile };
}
