import type { Aggregation } from './aggregation.ts';
import type { FoundDocuments } from './vector-scan.ts';

/** What is looked for, with numbers for documents. */
export interface DocumentTask {
  readonly k: number;
  readonly aggregation: Aggregation;
  /** Documents that must not appear. */
  readonly excluded: ReadonlySet<number>;
  /** Whether a document may appear; absent where all may that are not excluded. */
  readonly isAdmitted?: (document: number) => boolean;
  /** How many threads may work on it. */
  readonly threads: number;
  readonly signal?: AbortSignal;
}

/** One way to find the documents nearest to queries. */
export interface DocumentSearch {
  /** How many cosines of a vector and a query have been computed, exact ones of the best not counted again. */
  readonly cosines: number;
  /** The best documents of each query, in the order of the queries, which have been checked. */
  found(queries: readonly Float32Array[], task: DocumentTask): AsyncGenerator<FoundDocuments, void>;
  /** The rows of a document, one after the other. */
  rows(document: number): Promise<DataView>;
  close(): Promise<void>;
}

/** Whether a document may appear. */
export function admits({ excluded, isAdmitted }: DocumentTask, document: number): boolean {
  return !excluded.has(document) && (isAdmitted === undefined || isAdmitted(document));
}
