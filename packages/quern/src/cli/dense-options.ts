import { InvalidArgumentError, Option, type Command } from 'commander';
import type { DenseSettings } from '../dense/dense-settings.ts';
import type { EmbedderOptions } from '../dense/model-options.ts';
import { poolings, type PartialSettings, type Pooling } from '../dense/embedding-settings.ts';
import { passagesNamed, type PassageSettings } from '../dense/passages.ts';
import { precisions, type Precision } from '../dense/row-layout.ts';
import type { SearchMethod } from '../dense/vector-manifest.ts';
import type { Warnings } from '../warnings.ts';
import { parsed, positiveInteger } from './options.ts';
import { startProgress } from './progress.ts';

/** What the options of {@link addEmbedderOptions} come to. */
export interface EmbedderCommandOptions {
  readonly pooling?: Pooling;
  readonly embedTokens?: number;
  readonly queryInstruction?: string;
  readonly documentInstruction?: string;
}

/** What the options of {@link addDenseOptions} come to. */
export interface DenseOptions extends EmbedderCommandOptions {
  readonly passages?: PassageSettings;
  readonly precision?: Precision;
  readonly vectorSearch?: SearchMethod | 'auto';
}

/** Gives a command the options that say what a checkpoint's files leave open of an embedder. */
export function addEmbedderOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--pooling <which>', 'of an embedder whose files do not say it').choices([...poolings]),
    )
    .addOption(
      new Option('--embed-tokens <number>', 'the most tokens of a text that an embedder reads').argParser(
        tokens,
      ),
    )
    .option('--query-instruction <text>', 'what an embedder reads before a query')
    .option('--document-instruction <text>', 'what an embedder reads before a document');
}

/** Gives a command the options that say how documents get vectors, and by what. */
export function addDenseOptions(command: Command): Command {
  const passages = new Option(
    '--passages <settings>',
    'how documents are cut to be embedded: words=N,stride=N,aggregate=max|first|mean:N (default: what the embedder reads)',
  ).argParser(parsed((text) => passagesNamed(text)));
  const precision = new Option('--precision <precision>', 'how vectors are kept (default: f32)');
  const method = new Option(
    '--vector-search <method>',
    'exact, or hnsw by usearch (default: exact up to 200,000 vectors)',
  );
  return addEmbedderOptions(
    command
      .addOption(passages)
      .addOption(precision.choices([...precisions]))
      .addOption(method.choices(['auto', 'exact', 'hnsw'])),
  );
}

/** Two tokens are special ones; a text has one at least. */
function tokens(text: string): number {
  const value = positiveInteger(text);
  if (value >= 3) return value;
  throw new InvalidArgumentError('It must be a whole number of 3 or more.');
}

/** How embedders are opened, as the options say. */
export function embedderSettings(options: EmbedderCommandOptions, warnings: Warnings): EmbedderOptions {
  const { pooling, embedTokens: maxTokens, queryInstruction, documentInstruction } = options;
  const settings: PartialSettings = {
    ...(pooling && { pooling }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(queryInstruction !== undefined && { queryInstruction }),
    ...(documentInstruction !== undefined && { documentInstruction }),
  };
  return { settings, warnings, onWork: startProgress };
}

/** How documents get vectors, as the options say. */
export function denseSettings({ passages, precision, vectorSearch: method }: DenseOptions): DenseSettings {
  return { ...(passages && { passages }), ...(precision && { precision }), ...(method && { method }) };
}
