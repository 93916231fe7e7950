/**
 * Names in the data folder. A name is all of a request that ever becomes part of a path, so it is of a few harmless letters,
 * lower case alone, since some file systems take `A` and `a` for one. What is not whole yet, or about to go, has a passing
 * name, which begins with a dot and so is none of these.
 */
import { randomBytes } from 'node:crypto';
import { QuernError } from '../../errors.ts';
import { excerpt } from '../../collections/jsonl.ts';

/** What names are given to. */
export type Named = 'corpus' | 'index' | 'split';

/** A file of a corpus, by its path in the corpus's folder. */
export type CorpusFile = 'corpus.jsonl' | 'queries.jsonl' | `qrels/${string}.tsv`;

/** What an entry with a passing name is: not whole yet, replaced (and put back if nothing took its place), or to be removed. */
export type Passing = 'partial' | 'old' | 'gone';

/** What the names of corpora, indexes and splits are made of. */
export const namePattern = '^[a-z0-9][a-z0-9_-]{0,63}$';

const nameExpression = new RegExp(namePattern);
const deviceNames = /^(?:con|prn|aux|nul|com\d|lpt\d)$/;
// An index under a passing name is built in a folder beside that, which `WorkFolder` names.
const passingNames =
  /^\.([a-z0-9][a-z0-9_-]{0,63})\.[0-9a-f]{16}\.(partial|old|gone)(?:\.partial-\d+-[0-9a-f]{8})?$/;

/** Whether a name can be that of a corpus, an index or a split. */
export function isName(name: string): boolean {
  return nameExpression.test(name) && !deviceNames.test(name);
}

/** Throws `BAD_INPUT` unless {@link isName}. */
export function checkName(name: string, named: Named): void {
  if (isName(name)) return;
  const isDevice = nameExpression.test(name);
  throw new QuernError(
    'BAD_INPUT',
    isDevice
      ? `${excerpt(name)} is the name of a device`
      : `${excerpt(name)} cannot be the name of a ${named}`,
    { hint: 'A name has at most 64 of a-z, 0-9, - and _, and begins with a letter or a digit' },
  );
}

/** The file with the judgements of a split. Throws `BAD_INPUT` for what is no name. */
export function qrelsFile(split: string): CorpusFile {
  checkName(split, 'split');
  return `qrels/${split}.tsv`;
}

/** The path of a corpus's file in its folder, part by part. Throws `BAD_INPUT` for any but the files that a corpus has. */
export function partsOf(file: string): readonly string[] {
  if (file === 'corpus.jsonl' || file === 'queries.jsonl') return [file];
  const split = file.startsWith('qrels/') && file.endsWith('.tsv') ? file.slice(6, -4) : undefined;
  if (split === undefined) {
    throw new QuernError('BAD_INPUT', `a corpus has no file ${excerpt(file)}`, {
      hint: 'It has corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv',
    });
  }
  checkName(split, 'split');
  return ['qrels', `${split}.tsv`];
}

/** A new passing name for what is, was or will be called `name`. */
export function passingName(name: string, passing: Passing): string {
  return `.${name}.${randomBytes(8).toString('hex')}.${passing}`;
}

/** What an entry with a passing name of ours is; undefined for any other. */
export function readPassingName(
  entry: string,
): { readonly name: string; readonly passing: Passing } | undefined {
  const [, name, passing] = passingNames.exec(entry) ?? [];
  return name === undefined ? undefined : { name, passing: passing as Passing };
}
