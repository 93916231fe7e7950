import { InvalidArgumentError, Option } from 'commander';
import { scorings } from '../lexical/bm25.ts';
import { CORPUS_FORMATS } from '../collections/open-corpus.ts';
import { parseMeasures, type Measure } from '../evaluate/measures.ts';
import { QuernError } from '../errors.ts';
import { isOpenSearchName } from '../opensearch/address.ts';

/** A whole number of 1 or more. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number of 1 or more.');
  }
  return value;
}

/** A whole number of 0 or more. */
export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of 0 or more.');
}

/** What parses a number of `least` or more. */
export function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a number of ${least} or more.`);
  };
}

/** The words of a list between commas. Throws `USAGE` where there is none. */
export function listedText(text: string): string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.every((word) => word !== '')) return words;
  throw new QuernError('USAGE', 'it must be names between commas');
}

/** What `parse` makes of an option's text, its `USAGE` errors turned into commander's. */
export function parsed<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof QuernError && error.code === 'USAGE')
        throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** The measures that a text names, between commas; at least one. */
function measureList(text: string): Measure[] {
  const measures = parseMeasures([text]);
  if (measures.length === 0) throw new QuernError('USAGE', 'it names no measure');
  return measures;
}

/** Throws `USAGE` for an index in a cluster where only a folder will do. */
export function checkIsFolder(name: string, where: string): void {
  if (!isOpenSearchName(name)) return;
  throw new QuernError('USAGE', 'an index in OpenSearch cannot be used here', {
    where,
    hint: 'Give a folder. Indexes in OpenSearch are loaded by quern index --to, and take quern search and quern eval',
  });
}

/** Throws `USAGE` for a question of nothing but white space. */
export function checkQuestion(question: string): void {
  if (question.trim() === '') throw new QuernError('USAGE', 'the question is empty');
}

/** `option` as one that may be repeated: its value is the list of what was given, or of `value` alone. */
export function listOf(option: Option, value: string, words: string): Option {
  const given: string[] = [];
  option.description += `; ${words}`;
  return option
    .argParser((text: string) => {
      given.push(text);
      return given;
    })
    .default([value], value);
}

/** Options that several commands share, so that they read the same everywhere. */
export const shared = {
  json: () => new Option('--json', 'print one JSON document on stdout, nothing else'),
  data: () => new Option('--data <folder>', 'where local data lies').env('QUERN_DATA'),
  cache: () =>
    new Option('--cache <folder>', 'where reasoned queries and converted models are kept').env('QUERN_CACHE'),
  analyzer: () => new Option('--analyzer <name>', 'english, english+english, whitespace, none'),
  format: () => new Option('--format <format>', 'how the corpus lies on disk').choices(CORPUS_FORMATS),
  scoring: () => new Option('--scoring <scoring>', 'how terms are weighted').choices(scorings),
  collectionScoring: () =>
    new Option(
      '--scoring <scoring>',
      'how terms are weighted (default: bm25q for BRIGHT, BRIGHT-Pro and R2MED, bm25 for others)',
    ).choices(scorings),
  reasoner: () => {
    let isGiven = false;
    return new Option(
      '--reasoner <reasoner>',
      'none, rm3, file:PATH, llama:PATH_OR_HUB_ID, torch:FOLDER_OR_HUB_ID or openai:MODEL@URL (several servers: openai:MODEL@URL,URL); several: join:A,B; samples: 3*A',
    ).argParser((name: string) => {
      if (isGiven) throw new InvalidArgumentError('It is given twice; several reasoners are join:A,B.');
      isGiven = true;
      return name;
    });
  },
  retriever: () =>
    new Option(
      '--retriever <retriever>',
      'bm25, bm25q, dense:EMBEDDER, or several: hybrid:bm25q+dense:EMBEDDER (default: the scoring)',
    ),
  k: (value: number) =>
    new Option('-k <number>', 'how many hits').argParser(positiveInteger).default(value, String(value)),
  measures: (names: string) =>
    new Option('--measures <names>', 'measures between commas, e.g. ndcg@10,recall@100,map')
      .argParser(parsed(measureList))
      .default(parseMeasures([names]), names),
  html: () => new Option('--html <file>', 'write a self-contained report'),
};
