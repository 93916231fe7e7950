import { QuernError } from '../errors.ts';

/** How the vectors of a text's tokens become the text's: the first token's, their mean, or the last token's. */
export type Pooling = 'cls' | 'mean' | 'last';

export const poolings: readonly Pooling[] = ['cls', 'mean', 'last'];

/** What decides, beside weights and tokenizer, which vector a text gets. */
export interface EmbeddingSettings {
  readonly pooling: Pooling;
  /** Whether vectors are brought to length 1. */
  readonly isNormalized: boolean;
  /** The most tokens of a text that are read, special ones and the instruction included. */
  readonly maxTokens: number;
  /** What is put before a query, the blank at its end included; empty for nothing. */
  readonly queryInstruction: string;
  /** What is put before a document. */
  readonly documentInstruction: string;
  /** Whether the instruction's tokens count in the mean; they are read in either case. */
  readonly poolsInstruction: boolean;
  /** Whether texts are put into lower case before the tokenizer sees them. */
  readonly isLowercased: boolean;
}

/** Settings as one source knows them: what a checkpoint's files do not say, a table may. */
export type PartialSettings = Partial<EmbeddingSettings>;

/** Settings of which the first source that knows one decides. Throws `USAGE` where none knows the pooling. */
export function settledSettings(
  sources: readonly PartialSettings[],
  where: string,
): Omit<EmbeddingSettings, 'maxTokens'> & { readonly maxTokens?: number } {
  const settled = <K extends keyof EmbeddingSettings>(key: K): EmbeddingSettings[K] | undefined =>
    sources.map((source) => source[key]).find((value) => value !== undefined);
  const pooling = settled('pooling');
  if (pooling === undefined) {
    throw new QuernError(
      'USAGE',
      'its files do not say how its vectors are pooled, and it is none of the known models',
      {
        where,
        hint: `Name its pooling: ${poolings.join(', ')}`,
      },
    );
  }
  return {
    pooling,
    isNormalized: settled('isNormalized') ?? true,
    maxTokens: settled('maxTokens'),
    queryInstruction: settled('queryInstruction') ?? '',
    documentInstruction: settled('documentInstruction') ?? '',
    poolsInstruction: settled('poolsInstruction') ?? true,
    isLowercased: settled('isLowercased') ?? false,
  };
}

/** The settings that a caller gives, checked. Throws `USAGE`. */
export function checkedSettings(settings: PartialSettings): PartialSettings {
  const { pooling, maxTokens } = settings;
  if (pooling !== undefined && !poolings.includes(pooling)) {
    throw new QuernError('USAGE', `is one of ${poolings.join(', ')}`, { where: 'pooling' });
  }
  if (maxTokens !== undefined && !(Number.isSafeInteger(maxTokens) && maxTokens >= 3)) {
    throw new QuernError('USAGE', 'is a whole number from 3 up', { where: 'maxTokens' });
  }
  return settings;
}
