import { addAbortSignal } from 'node:stream';
import { Command } from 'commander';
import { linesOf, readLines } from '../collections/lines.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import { IndexWriter } from '../lexical/index-writer.ts';
import { readManifest } from '../lexical/manifest.ts';
import { Warnings } from '../warnings.ts';
import { interruptSignal } from './interrupt.ts';
import { checkIsFolder, shared } from './options.ts';
import { durationText, print, printJson, printWarnings } from './output.ts';

interface Options {
  readonly from?: string;
  readonly json?: boolean;
}

/** `quern index delete INDEX ID…` */
export function indexDeleteCommand(): Command {
  return new Command('delete')
    .description('Delete documents from an index.')
    .argument('<index>', 'the folder of the index')
    .argument('[id...]', 'ids of documents')
    .option('--from <file>', 'read ids from a file, one a line; - for standard input')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
All are deleted at once. Ids that the index does not have are counted as a warning; where it has none of them,
that is an error.

Examples:
  $ quern index delete notes.index old.txt older.txt
  $ quern index delete corpus.index --from ids.txt
  $ grep -l draft *.txt | quern index delete notes.index --from -`,
    )
    .action(run);
}

async function run(index: string, given: readonly string[], { from, json }: Options): Promise<void> {
  checkIsFolder(index, 'INDEX');
  const started = performance.now();
  if (given.length === 0 && from === undefined) {
    throw new QuernError('USAGE', 'no ids to delete', { hint: 'Name them, or give --from FILE' });
  }
  const signal = interruptSignal();
  const warnings = new Warnings();
  // Before ids are waited for.
  await readManifest(index);
  const ids = new Set(given);
  if (from !== undefined) for await (const id of idsFrom(from, signal)) ids.add(id);
  const writer = await IndexWriter.open(index, { signal });
  let deleted = 0;
  try {
    for (const id of ids) {
      if (await writer.delete(id)) deleted++;
      else warnings.add('the index has no such document', JSON.stringify(id));
    }
    if (ids.size === 0) throw new QuernError('BAD_INPUT', 'holds no ids', { where: from });
    if (deleted === 0) {
      const [first] = ids;
      const named = ids.size === 1 ? `the id ${JSON.stringify(first)}` : `any of these ${ids.size} ids`;
      throw new QuernError('NOT_FOUND', `has no document with ${named}`, {
        where: index,
        hint: "Of a folder of text files, a document's id is its path within the folder",
      });
    }
    await writer.commit();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  await writer.close();
  const milliseconds = performance.now() - started;
  const { totals, generation, segments } = await readManifest(index);
  printWarnings(warnings);
  const { documents } = totals;
  if (json) {
    const found = { documents, segments: segments.length, generation };
    printJson({ index, deleted, ...found, milliseconds, warnings: warnings.list() });
  } else print(`${index}: ${deleted} deleted, now ${documents} documents, in ${durationText(milliseconds)}`);
}

async function* idsFrom(file: string, signal: AbortSignal): AsyncGenerator<string> {
  const lines =
    file === '-'
      ? linesOf(addAbortSignal(signal, process.stdin), 'standard input')
      : readLines(file, { signal });
  try {
    for await (const { text } of lines) if (text !== '') yield text;
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}
