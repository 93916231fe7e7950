import type { Warnings } from '../../warnings.ts';

/** How sources are opened. */
export interface SourceOptions {
  /** The hosts of the sites that dumps are of, in their order; else they are told by the names of folders and archives. */
  readonly sites?: readonly string[];
  /** The documents of a query log. */
  readonly corpus?: string;
  /** The domains that are wanted: of a hub's data set, only their files are read. */
  readonly domains?: readonly string[] | 'all';
  readonly signal?: AbortSignal;
  readonly warnings?: Warnings;
}
