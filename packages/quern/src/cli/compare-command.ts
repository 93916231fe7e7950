import { basename } from 'node:path';
import { Command } from 'commander';
import { readQrels } from '../collections/qrels.ts';
import type { Run } from '../collections/records.ts';
import { readTrecRun } from '../collections/trec.ts';
import { compareRuns } from '../evaluate/comparison.ts';
import type { Measure } from '../evaluate/measures.ts';
import { buildReport } from '../evaluate/report.ts';
import { reportHtml } from '../evaluate/report-html.ts';
import { checkFolderOf, writeLines } from '../whole-file.ts';
import { comparisonText } from './comparison-text.ts';
import { shared } from './options.ts';
import { note, print, printJson } from './output.ts';

interface Options {
  readonly qrels: string;
  readonly measures: Measure[];
  readonly html?: string;
  readonly json?: boolean;
}

/** `quern compare RUN… --qrels FILE` */
export function compareCommand(): Command {
  return new Command('compare')
    .description('Compare runs with the first of them, with significance.')
    .argument('<runs...>', 'TREC run files, the baseline first')
    .requiredOption('--qrels <file>', 'judgements, in TREC or BEIR form')
    .addOption(shared.measures('ndcg@10,map,recall@100'))
    .addOption(shared.html())
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern compare bm25.trec reasoned.trec --qrels qrels.txt
  $ quern compare a.trec b.trec c.trec --qrels qrels/test.tsv --measures ndcg@10,P.5,10 --json`,
    )
    .action(run);
}

async function run(paths: string[], { qrels: qrelsPath, measures, html, json }: Options): Promise<void> {
  if (html !== undefined) await checkFolderOf(html);
  const qrels = await readQrels(qrelsPath);
  const runs = await readRuns(paths);
  const comparison = compareRuns(runs[0], runs.slice(1), qrels, measures);
  if (html !== undefined) {
    const [baseline, ...others] = runs.map((each) => ({ run: each }));
    const collection = basename(qrelsPath);
    await writeLines(html, [
      reportHtml(await buildReport({ collection, qrels, measures, baseline, others })),
    ]);
    note(`quern: wrote ${html}`);
  }
  if (json) printJson(comparison);
  else print(comparisonText(comparison));
}

/** Runs by their tags, or by their files' names where two have the same tag. */
async function readRuns(paths: readonly string[]): Promise<Run[]> {
  const runs: Run[] = [];
  for (const path of paths) runs.push(await readTrecRun(path));
  if (areDistinct(runs.map(({ name }) => name))) return runs;
  const files = paths.map((path) => basename(path));
  const names = areDistinct(files) ? files : paths;
  return runs.map((each, i) => ({ ...each, name: names[i] }));
}

function areDistinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}
