import type { PassageSettings } from './passages.ts';
import type { Precision } from './row-layout.ts';
import type { SearchMethod } from './vector-manifest.ts';

/** How vectors are made and kept. */
export interface DenseSettings {
  /** Default: as `defaultPassages` says for what the embedder reads; of an index that has vectors, as they were made. */
  readonly passages?: PassageSettings;
  /** Default `f32`; of vectors that are added to, theirs. */
  readonly precision?: Precision;
  /** Default `auto`: exact up to 200,000 vectors; of vectors that are added to, `hnsw` where that is theirs. */
  readonly method?: SearchMethod | 'auto';
}
