/** The way of all encoders that take batches: distinct texts, tokenized some at a time, those of about one length together. */
import { batchLimits } from './batch-limits.ts';
import { distinctTexts } from './distinct-texts.ts';
import type { TextKind } from './embedder.ts';
import { instructedText, instructionOf, type EmbeddingSettings } from './embedding-settings.ts';
import { tokenBatches } from './token-batches.ts';
import type { TokenSequence } from './token-encoder.ts';
import { checkedVector } from './vector-check.ts';

/** Texts that are tokenized together and put into batches. */
const windowTexts = 2048;

/** A model that embeds batches. */
export interface BatchEncoder {
  /** The tokens of each text, cut to what the model reads. */
  tokens(texts: readonly string[]): Promise<readonly TokenSequence[]>;
  /** The pooled vectors of a batch, one after the other; a mean leaves out the tokens of `skippedPrefix`. */
  vectors(batch: readonly TokenSequence[], skippedPrefix: string): Promise<Float32Array>;
}

/**
 * The vector of each text, in the order of the texts; each distinct text is embedded once. `onEmbedded` is told how many are
 * done. Throws `BAD_REPLY` for vectors that cannot be compared, and what the encoder throws.
 */
export async function embeddedTexts(
  texts: readonly string[],
  encoder: BatchEncoder,
  options: {
    readonly as: TextKind;
    readonly settings: EmbeddingSettings;
    readonly dimensions: number;
    readonly where: string;
    readonly onEmbedded?: (done: number) => void;
  },
): Promise<Float32Array[]> {
  const { as, settings, dimensions, where, onEmbedded } = options;
  const skippedPrefix = settings.poolsInstruction ? '' : instructionOf(as, settings);
  const distinct = distinctTexts(texts);
  const vectors: Float32Array[] = Array.from({ length: texts.length });
  let done = 0;
  for (let from = 0; from < distinct.texts.length; from += windowTexts) {
    const window = distinct.texts
      .slice(from, from + windowTexts)
      .map((text) => instructedText(text, as, settings));
    const sequences = await encoder.tokens(window);
    const ids = sequences.map((sequence) => sequence.ids);
    for (const batch of tokenBatches(ids, batchLimits)) {
      const rows = await encoder.vectors(
        batch.map((i) => sequences[i]),
        skippedPrefix,
      );
      const size = rows.length / batch.length;
      for (const [row, i] of batch.entries()) {
        for (const position of distinct.positions[from + i]) {
          const vector = rows.slice(row * size, (row + 1) * size);
          vectors[position] = checkedVector(vector, dimensions, { where, position });
          done++;
        }
      }
      onEmbedded?.(done);
    }
  }
  return vectors;
}
