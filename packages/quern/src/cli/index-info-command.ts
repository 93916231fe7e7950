import { Command } from 'commander';
import { vectorsInfo } from '../dense/vectors-info.ts';
import { indexInfo } from '../lexical/index-info.ts';
import { oneLine } from '../one-line.ts';
import { checkIsFolder, shared } from './options.ts';
import { bytesText, print, printJson, table } from './output.ts';

interface Options {
  readonly verify?: boolean;
  readonly json?: boolean;
}

/** `quern index info INDEX` */
export function indexInfoCommand(): Command {
  return new Command('info')
    .description('Show what an index is and holds.')
    .argument('<index>', 'the folder of the index')
    .option('--verify', 'read everything and verify all checksums')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern index info notes.index
  $ quern index info notes.index --verify --json`,
    )
    .action(run);
}

async function run(index: string, { verify = false, json }: Options): Promise<void> {
  checkIsFolder(index, 'INDEX');
  const info = await indexInfo(index, { verify });
  const dense = await vectorsInfo(index, { verify });
  if (json) {
    printJson({ index, ...info, dense, ...(verify && { verified: true }) });
    return;
  }
  const { documents, deleted, terms, postings, tokens, bytes, analyzer, stored, generation, format } = info;
  print(
    `${index}: ${documents} documents, ${deleted} deleted, ${tokens} tokens, ${terms} terms, ` +
      `${postings} postings, ${bytesText(bytes)}`,
  );
  print(
    `analyzer ${analyzer}, ${stored ? 'with' : 'without'} stored documents, generation ${generation}, format ${format}` +
      (verify ? ', all checksums verified' : ''),
  );
  for (const { embedder, vectors, passages, dimensions, precision, method, bytes: size } of dense) {
    print(
      `vectors of ${oneLine(embedder)}: ${vectors} passages (${passages}), ${dimensions} × ${precision}, ` +
        `${method} search, ${bytesText(size)}`,
    );
  }
  if (info.segments.length === 0) return;
  const rows = info.segments.map((segment) => [
    segment.file,
    String(segment.documents),
    String(segment.deleted),
    String(segment.postings),
    bytesText(segment.bytes),
  ]);
  print();
  print(table([['segment', 'documents', 'deleted', 'postings (all)', 'size'], ...rows]));
}
