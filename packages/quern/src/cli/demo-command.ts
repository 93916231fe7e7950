import { Command } from 'commander';
import { compareRuns } from '../evaluate/comparison.ts';
import { evaluateNamed } from '../evaluate/evaluate-named.ts';
import type { Evaluation } from '../evaluate/evaluation.ts';
import { parseMeasures } from '../evaluate/measures.ts';
import { combineNamed } from '../search/combine.ts';
import { checkFolderOf } from '../whole-file.ts';
import { comparisonText } from './comparison-text.ts';
import { interruptSignal } from './interrupt.ts';
import { shared } from './options.ts';
import { labelled, print, printJson } from './output.ts';
import { startProgress } from './progress.ts';
import { writeReport } from './report-file.ts';
import { sampleCollection } from './sample-collection.ts';

interface Options {
  readonly html: string;
  readonly json?: boolean;
}

/** `quern demo` */
export function demoCommand(): Command {
  return new Command('demo')
    .description('Run the whole way on the sample collection: index, reason, retrieve, measure, compare.')
    .addOption(shared.html().default('quern-demo.html'))
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern demo
  $ quern demo --html report.html --json`,
    )
    .action(run);
}

async function run({ html, json }: Options): Promise<void> {
  const { folder, reasoned } = sampleCollection();
  await checkFolderOf(html);
  const measures = parseMeasures(['ndcg@10', 'recall@10', 'map']);
  await evaluateNamed(
    `beir:${folder}`,
    {
      reasoners: ['none', `file:${reasoned}`, 'rm3'],
      plan: { combine: combineNamed('replace') },
      k: 1000,
      measures,
      store: true,
      signal: interruptSignal(),
      onWork: startProgress,
    },
    async (outcome) => {
      const { collection, evaluations, index } = outcome;
      await writeReport(html, outcome, measures, {
        title: 'Quern on its sample collection',
        collection: 'the sample collection',
      });
      const [none, ...others] = evaluations;
      const comparison = compareRuns(
        none.run,
        others.map(({ run: each }) => each),
        collection.qrels,
        measures,
      );
      if (json) {
        printJson({ ...comparison, documents: index.facts.documents, report: html });
        return;
      }
      print(`${index.facts.documents} short passages, ${comparison.topics} questions, three ways:`);
      print('  bm25                the question as it was asked');
      print('  bm25+reasoned.json  replaced by what a language model thought about it (recorded)');
      print('  bm25+rm3            with the terms that weigh most in its ten best passages; no model');
      print();
      print(comparisonText(comparison));
      print('A sample this small, written for the purpose, shows how things work; it proves nothing.');
      print();
      printExample(none, others[0]);
      print(nextCommands(html));
    },
  );
}

/** Shows the question that gained most: where its best relevant passage stood, and stands. */
function printExample(none: Evaluation, reasoned: Evaluation): void {
  const gain = (id: string): number =>
    reasoned.measures.perTopic.get(id)!['ndcg@10'] - none.measures.perTopic.get(id)!['ndcg@10'];
  const [best] = [...none.measures.perTopic.keys()].sort((a, b) => gain(b) - gain(a));
  const answer = reasoned.answers.find(({ topic }) => topic.id === best)!;
  print('The question that gained most:');
  print(labelled('  asked     ', answer.query, 400));
  print(`  first     ${none.run.rankings.get(best)![0].id}`);
  print(labelled('  reasoned  ', answer.reasoned.text, 400));
  print(`  first     ${reasoned.run.rankings.get(best)![0].id}`);
  print();
}

function nextCommands(html: string): string {
  return `Wrote ${html}: open it in a browser to see every question's gain and why.

The same in the browser, with rankings that move while the reasoned query is written:
  npx quern serve --sample
Next, with documents of your own (text files, JSONL, or a BEIR folder):
  npx quern index my-documents/ --out my.index --store
  npx quern search my.index "a hard question" --reasoner rm3 --explain
With a model of your own, recorded in a JSON object of question → reasoned text:
  npx quern search my.index "a hard question" --reasoner file:reasoned.json --explain
  npx quern eval beir:my-collection --reasoner file:reasoned.json --html report.html`;
}
