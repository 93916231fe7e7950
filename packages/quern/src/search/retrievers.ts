import { openEmbedder } from '../dense/embedders.ts';
import type { EmbedderOptions } from '../dense/model-options.ts';
import type { Embedder } from '../dense/embedder.ts';
import type { VectorIndex } from '../dense/vector-index.ts';
import { QuernError } from '../errors.ts';
import { scorings, type Bm25Parameters, type Scoring } from '../lexical/bm25.ts';
import { isOpenSearchName, openSearchAddress } from '../opensearch/address.ts';
import { OpenSearchIndex } from '../opensearch/open-search-index.ts';
import type { Warnings } from '../warnings.ts';
import { openIndexVectors, type IndexVectors } from '../dense/index-vectors.ts';
import { DenseRetriever } from './dense-retriever.ts';
import type { Fusion } from './fusion.ts';
import { HybridRetriever, hybridNamed, type HybridPart, type NamedPart } from './hybrid-retriever.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { OpenSearchRetriever } from './open-search-retriever.ts';
import type { Retriever } from './retriever.ts';
import type { SearchedIndex } from './searched-index.ts';

/** A retriever by its name, before there is an index. */
export interface RetrieverPlan {
  /** The string that names it. */
  readonly name: string;
  /** The scoring of the first part that scores by terms; absent where none does. */
  readonly scoring?: Scoring;
  /** The names of the embedders that it needs, each once. */
  readonly embedders: readonly string[];
  readonly parts: readonly NamedPart[];
  /** Absent where there is one part. */
  readonly fusion?: Fusion;
}

/** An open index, and what is searched with. */
export interface RetrieverContext {
  readonly index: SearchedIndex;
  /** The folder of the index, in which vectors lie, or its name. */
  readonly folder: string;
  readonly parameters?: Bm25Parameters;
  /** Told where vectors may be older than the index. */
  readonly warnings?: Warnings;
}

/** A retriever over an open index, to be closed; the lexical index stays the caller's. */
export interface OpenRetriever {
  readonly retriever: Retriever;
  close(): Promise<void>;
}

/**
 * What a string names: `bm25`, `bm25q`, `dense:EMBEDDER`, or several of them, `hybrid:A+B` (see `hybridNamed`). Throws `USAGE`.
 */
export function retrieverNamed(name: string): RetrieverPlan {
  const hybrid = hybridNamed(name);
  const parts = hybrid?.parts ?? [{ name, weight: 1 }];
  const embedders = new Set<string>();
  let scoring: Scoring | undefined;
  for (const part of parts) {
    const known = scorings.find((each) => each === part.name);
    if (known) scoring ??= known;
    else if (/^dense:./su.test(part.name)) embedders.add(part.name.slice('dense:'.length));
    else throw unknownRetriever(name);
  }
  return {
    name,
    embedders: [...embedders],
    parts,
    ...(scoring && { scoring }),
    ...(hybrid && { fusion: hybrid.fusion }),
  };
}

/** Throws `USAGE` where a scoring is given beside a retriever that has another, or none. */
export function checkScoring({ name, scoring }: RetrieverPlan, given: Scoring | undefined): void {
  if (given === undefined || given === scoring) return;
  throw new QuernError('USAGE', `the retriever ${name} does not weigh terms by ${given}`, {
    where: '--scoring',
    hint: 'Leave it out: the retriever says how terms are weighed',
  });
}

/** Throws `USAGE` where a plan searches vectors, and the index of that name, in OpenSearch, has none. */
export function checkHasVectors({ embedders }: RetrieverPlan, index: string): void {
  if (embedders.length > 0 && isOpenSearchName(index)) throw withoutVectors(openSearchAddress(index).name);
}

/** Embedders by their names. Whoever opened them closes them. */
export type OpenEmbedders = ReadonlyMap<string, Embedder>;

/** Opens the embedders of a plan; models are loaded when they are first asked. Throws what opening one throws. */
export async function openEmbedders(
  { embedders }: Pick<RetrieverPlan, 'embedders'>,
  settings: EmbedderOptions = {},
): Promise<OpenEmbedders> {
  const open = new Map<string, Embedder>();
  try {
    for (const name of embedders) open.set(name, await openEmbedder(name, settings));
    return open;
  } catch (error) {
    await closeEmbedders(open);
    throw error;
  }
}

/** Closes all of them. */
export async function closeEmbedders(embedders: OpenEmbedders): Promise<void> {
  await Promise.all([...embedders.values()].map((embedder) => embedder.close()));
}

/**
 * The retriever of a plan over an index. Throws `NOT_FOUND` where the index has no vectors of an embedder,
 * `EMBEDDER_MISMATCH` where they are another's, and what opening them throws.
 */
export async function openRetriever(
  { parts, fusion }: RetrieverPlan,
  embedders: OpenEmbedders,
  context: RetrieverContext,
): Promise<OpenRetriever> {
  const { index, parameters } = context;
  if (index instanceof OpenSearchIndex) {
    const inCluster = clusterParts(parts, index, parameters);
    const retriever = fusion ? new HybridRetriever(inCluster, fusion) : inCluster[0]!.retriever;
    return { retriever, close: () => Promise.resolve() };
  }
  const opened = new Map<Embedder, IndexVectors>();
  const close = async (): Promise<void> => {
    for (const { vectors } of opened.values()) await vectors.close();
  };
  try {
    const made: HybridPart[] = [];
    for (const { name, ...part } of parts) {
      const scoring = scorings.find((each) => each === name);
      if (scoring) {
        made.push({ ...part, retriever: new LexicalRetriever(index, scoring, parameters) });
        continue;
      }
      const embedder = embedders.get(name.slice('dense:'.length))!;
      const dense = opened.get(embedder) ?? (await openIndexVectors(embedder, { ...context, index }));
      opened.set(embedder, dense);
      const { vectors, passages, isCurrent } = dense;
      const { document } = new LexicalRetriever(index, scorings[0]);
      const gone = isCurrent ? [] : idsOf(vectors).filter((id) => !index.has(id));
      const options = { passages, gone, ...(document && { document }) };
      made.push({ ...part, retriever: new DenseRetriever(vectors, embedder, options) });
    }
    const retriever = fusion ? new HybridRetriever(made, fusion) : made[0]!.retriever;
    return { retriever, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The parts of a plan over an index in a cluster. Throws `USAGE` for vectors, which are not kept there. */
function clusterParts(
  parts: readonly NamedPart[],
  index: OpenSearchIndex,
  parameters: Bm25Parameters | undefined,
): HybridPart[] {
  return parts.map(({ name, ...part }) => {
    const scoring = scorings.find((each) => each === name);
    if (scoring) return { ...part, retriever: new OpenSearchRetriever(index, scoring, parameters) };
    throw withoutVectors(index.name);
  });
}

function withoutVectors(where: string): QuernError {
  return new QuernError('USAGE', 'an index in OpenSearch has no vectors', {
    where,
    hint: 'Search it by bm25 or bm25q; for vectors, index the corpus in a folder with --dense',
  });
}

function idsOf(vectors: VectorIndex): string[] {
  return Array.from({ length: vectors.documents }, (_, i) => vectors.documentId(i));
}

function unknownRetriever(name: string): QuernError {
  return new QuernError('USAGE', `unknown retriever ${JSON.stringify(name)}`, {
    hint: 'Retrievers are bm25, bm25q, dense:EMBEDDER and hybrid:A+B',
  });
}
