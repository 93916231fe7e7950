import type { Hit, TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { fusedRankings, type Fusion } from './fusion.ts';
import { isTermRetriever, type Retriever, type SearchOptions } from './retriever.ts';

/** What a part of a hybrid searches: the query, its reasoned query, or both as one text. */
export type PartTakes = 'query' | 'reasoned' | 'both';

/** One of the retrievers of a hybrid. */
export interface HybridPart {
  readonly retriever: Retriever;
  /** How much its ranking counts. More than 0. */
  readonly weight: number;
  /** What it searches; what the plan's combination says where this is absent. */
  readonly takes?: PartTakes;
}

/** How deep the rankings are that are fused, whatever k: the fused order must not depend on where it is cut. */
export const fusionDepth = 1000;

/** Several retrievers, whose rankings are fused. They stay the caller's to close. */
export class HybridRetriever implements Retriever {
  readonly id: string;
  readonly parts: readonly HybridPart[];
  readonly fusion: Fusion;

  /** Throws `USAGE` for fewer than two parts, and for weights that are none. */
  constructor(parts: readonly HybridPart[], fusion: Fusion = 'rrf') {
    if (parts.length < 2) throw new QuernError('USAGE', 'a hybrid has two retrievers or more');
    for (const { weight } of parts) {
      if (weight > 0 && Number.isFinite(weight)) continue;
      throw new QuernError('USAGE', `the weight of a hybrid's part is more than 0, not ${weight}`);
    }
    this.parts = parts;
    this.fusion = fusion;
    this.id = hybridName(
      parts.map(({ retriever, ...part }) => ({ ...part, name: retriever.id })),
      fusion,
    );
  }

  /**
   * The fused ranking of one query, which every part searches; term weights only those that score by terms. Throws `USAGE`
   * where none does, and what they throw.
   */
  async search(query: string | TermWeights, options: SearchOptions): Promise<Hit[]> {
    const able = this.parts.filter(
      ({ retriever }) => typeof query === 'string' || isTermRetriever(retriever),
    );
    if (able.length === 0) throw new QuernError('USAGE', `${this.id} cannot search term weights`);
    const rankings = await Promise.all(
      able.map(async ({ retriever, weight }) => ({
        weight,
        hits: await retriever.search(query, { ...options, k: fusionDepth }),
      })),
    );
    return fusedRankings(rankings, this.fusion, options.k);
  }

  /** The text of a document, by the first part that has texts; absent where none has. */
  get document(): Retriever['document'] {
    const of = this.parts.find(({ retriever }) => retriever.document)?.retriever;
    return of && ((id) => of.document!(id));
  }
}

/** A part of a hybrid by its retriever's name. */
export interface NamedPart extends Omit<HybridPart, 'retriever'> {
  readonly name: string;
}

/** The string that names a hybrid: `hybrid:bm25q+dense:…`, `hybrid:interpolate:0.3*query/bm25+0.7*dense:…`. */
export function hybridName(parts: readonly NamedPart[], fusion: Fusion): string {
  const named = parts.map(
    ({ weight, takes, name }) =>
      `${weight === 1 ? '' : `${weight}*`}${takes === undefined ? '' : `${takes}/`}${name}`,
  );
  return `hybrid:${fusion === 'rrf' ? '' : `${fusion}:`}${named.join('+')}`;
}

/** Where a part begins: nothing else after a plus reads so, so that paths and addresses may have one. */
const partBeginning = /\+(?=(?:\d+(?:\.\d+)?\*)?(?:(?:query|reasoned|both)\/)?(?:bm25q?(?:\+|$)|dense:))/u;

/**
 * The parts of a hybrid and its fusion by its name, as {@link hybridName} writes it; undefined for a name that is not a
 * hybrid's. Throws `USAGE` for one that cannot be read.
 */
export function hybridNamed(name: string): { parts: NamedPart[]; fusion: Fusion } | undefined {
  const [, fusion, rest] = /^hybrid:(?:(rrf|interpolate):)?(.*)$/su.exec(name) ?? [];
  if (rest === undefined) return undefined;
  const parts = rest.split(partBeginning).map((part): NamedPart => {
    const [, weight, takes, retriever] =
      /^(?:(\d+(?:\.\d+)?)\*)?(?:(query|reasoned|both)\/)?(bm25q?|dense:.+)$/su.exec(part) ?? [];
    if (retriever === undefined || (weight !== undefined && Number(weight) === 0)) {
      throw unknownHybrid(name, `: its part ${JSON.stringify(part)} is none`);
    }
    return {
      name: retriever,
      weight: weight === undefined ? 1 : Number(weight),
      ...(takes !== undefined && { takes: takes as PartTakes }),
    };
  });
  if (parts.length < 2) throw unknownHybrid(name, ': it has one part');
  return { parts, fusion: fusion === 'interpolate' ? fusion : 'rrf' };
}

function unknownHybrid(name: string, why: string): QuernError {
  return new QuernError('USAGE', `unknown hybrid ${JSON.stringify(name)}${why}`, {
    hint: 'Write e.g. hybrid:bm25q+dense:EMBEDDER, or with weights and what each is to search hybrid:interpolate:0.3*query/bm25+0.7*reasoned/dense:EMBEDDER',
  });
}
