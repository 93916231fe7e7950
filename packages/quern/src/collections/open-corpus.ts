import { QuernError } from '../errors.ts';
import { BEIR_CORPUS_FILES, beirCorpus } from './beir.ts';
import { brightVectorsAnalyzer } from './bright-vectors.ts';
import type { Corpus, CorpusOptions } from './corpus.ts';
import { jsonlCorpus } from './documents.ts';
import { firstFile, pathKind } from './files.ts';
import { readJsonl } from './jsonl.ts';
import { holdsTextFiles, isTextFileName, textFilesCorpus } from './text-files.ts';
import { VECTORS_FILES, vectorCorpus } from './vectors.ts';

/** The forms in which a corpus can lie on disk. */
export const CORPUS_FORMATS = ['beir', 'jsonl', 'text', 'vectors'] as const;

/** One of {@link CORPUS_FORMATS}. */
export type CorpusFormat = (typeof CORPUS_FORMATS)[number];

/**
 * The corpus at `path`: a BEIR folder, a JSONL file, text files, or JSON vectors (a file, or a folder with
 * `vectors.jsonl[.gz]`). Where `format` is not given it is recognised: by `corpus.jsonl[.gz]` or `vectors.jsonl[.gz]`
 * in a folder, by the name of a file, and by the first record of a `.jsonl` or `.json` file. Throws `NOT_FOUND`,
 * `IO`, and `BAD_INPUT` where no format can be recognised.
 */
export async function openCorpus(
  path: string,
  options: CorpusOptions & { readonly format?: CorpusFormat } = {},
): Promise<Corpus> {
  const format = options.format ?? (await recognisedFormat(path, options));
  switch (format) {
    case 'beir':
      return beirCorpus(path, options);
    case 'jsonl':
      return jsonlCorpus(path, options);
    case 'text':
      return textFilesCorpus(path, options);
    case 'vectors': {
      const file = await vectorsFile(path);
      return vectorCorpus(file, options, await brightVectorsAnalyzer(file));
    }
    default: {
      const hint = `Formats are ${CORPUS_FORMATS.join(', ')}`;
      throw new QuernError('USAGE', `unknown corpus format ${JSON.stringify(format)}`, { hint });
    }
  }
}

async function recognisedFormat(path: string, options: CorpusOptions): Promise<CorpusFormat> {
  const { isFolder, bytes } = await pathKind(path);
  // A pipe can be read only once.
  if (!isFolder && bytes === undefined) throw unrecognised(path, 'the format of a pipe is not recognised');
  if (isFolder) {
    if (await firstFile(path, BEIR_CORPUS_FILES)) return 'beir';
    if (await firstFile(path, VECTORS_FILES)) return 'vectors';
    if (await holdsTextFiles(path, options.signal)) return 'text';
    throw unrecognised(path, 'no corpus.jsonl, vectors.jsonl or text file (.txt, .md, .text) in this folder');
  }
  if (/\.jsonl?(\.gz)?$/i.test(path)) {
    return (await firstRecordHasVector(path, options)) ? 'vectors' : 'jsonl';
  }
  if (isTextFileName(path)) return 'text';
  throw unrecognised(path, 'its format cannot be told from its name');
}

async function firstRecordHasVector(path: string, { signal }: CorpusOptions): Promise<boolean> {
  for await (const { record } of readJsonl(path, { signal })) return record['vector'] !== undefined;
  return false;
}

async function vectorsFile(path: string): Promise<string> {
  if (!(await pathKind(path)).isFolder) return path;
  const file = await firstFile(path, VECTORS_FILES);
  if (file !== undefined) return file;
  throw new QuernError('NOT_FOUND', `no ${VECTORS_FILES.join(' or ')} in this folder`, { where: path });
}

function unrecognised(path: string, what: string): QuernError {
  const hint = `Give the path of a JSONL file itself, or say which format it has: ${CORPUS_FORMATS.join(', ')}`;
  return new QuernError('BAD_INPUT', what, { where: path, hint });
}
