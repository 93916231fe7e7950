import { QuernError } from '../errors.ts';
import type { TextKind } from './embedder.ts';

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

/** Settings of which the first source that knows one decides; without instructions and normalised where none does. */
export function settledSettings(
  sources: readonly PartialSettings[],
): Omit<EmbeddingSettings, 'maxTokens' | 'pooling'> & Pick<PartialSettings, 'maxTokens' | 'pooling'> {
  const settled = <K extends keyof EmbeddingSettings>(key: K): EmbeddingSettings[K] | undefined =>
    sources.map((source) => source[key]).find((value) => value !== undefined);
  return {
    pooling: settled('pooling'),
    isNormalized: settled('isNormalized') ?? true,
    maxTokens: settled('maxTokens'),
    queryInstruction: settled('queryInstruction') ?? '',
    documentInstruction: settled('documentInstruction') ?? '',
    poolsInstruction: settled('poolsInstruction') ?? true,
    isLowercased: settled('isLowercased') ?? false,
  };
}

/**
 * What of the settings decides the vectors of documents: all but the instruction for queries, which may be another at every
 * search of the same vectors.
 */
export function documentSettings<S extends Pick<EmbeddingSettings, 'queryInstruction'>>(
  settings: S,
): Omit<S, 'queryInstruction'> {
  const { queryInstruction: _, ...others } = settings;
  return others;
}

/** A pooling that some source knew. Throws `USAGE` where none did. */
export function settledPooling(pooling: Pooling | undefined, where: string): Pooling {
  if (pooling !== undefined) return pooling;
  throw new QuernError(
    'USAGE',
    'its files do not say how its vectors are pooled, and it is none of the known models',
    { where, hint: `Name its pooling: ${poolings.join(', ')}` },
  );
}

/** A text as a model is to read it: in lower case where it wants that, behind the instruction for its kind. */
export function instructedText(
  text: string,
  as: TextKind,
  settings: Pick<EmbeddingSettings, 'isLowercased' | 'queryInstruction' | 'documentInstruction'>,
): string {
  return instructionOf(as, settings) + (settings.isLowercased ? text.toLowerCase() : text);
}

/** What is put before texts of a kind. */
export function instructionOf(
  as: TextKind,
  {
    queryInstruction,
    documentInstruction,
  }: Pick<EmbeddingSettings, 'queryInstruction' | 'documentInstruction'>,
): string {
  return as === 'query' ? queryInstruction : documentInstruction;
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
