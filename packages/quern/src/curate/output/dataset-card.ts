import type { Curation } from '../curation.ts';
import { count } from '../../report/words.ts';
import { bright } from '../against.ts';

/** What a file name or a site may hold in a card: nothing that Markdown or HTML would take for its own. */
function plain(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} ._/:@+-]/gu, '_').slice(0, 120);
}

const columns: readonly (readonly [string, string, string])[] = [
  ['id', 'string', "the question's site and number, or the id that its source gives it"],
  ['domain', 'string', "the site's name"],
  ['prompt', 'list of {role, content}', 'the chat that the policy is given, instructions included'],
  ['question', 'string', 'the title, a blank line, the body, as text'],
  ['positives', 'list of string', 'texts that answer it, the best first'],
  ['answer', 'string', 'JSON {query, pos_docs_list, think_flag}: the label that rewards read'],
  [
    'data_source, reward_model, extra_info',
    'string, struct, struct',
    'what verl expects; ground_truth is answer',
  ],
];

/** The data set's README: a card as the Hugging Face hub shows it. It holds no text of any post. */
export function datasetCard(curation: Curation): string {
  const { name, sources, stages, splits, domains, against, licences, options, positives, retrieval } =
    curation;
  const total = splits.train + splits.validation + splits.test;
  const isStackExchange = sources.some(({ kind }) => kind === 'dump' || kind === 'preferences');
  const stated = Object.keys(licences);
  const licence = licenceId(stated);
  const protectedBy = against.map(({ collection, texts }) => `${plain(collection)} (${count(texts)} texts)`);
  const isHeldAgainstBright = against.some(({ collection }) => collection === bright);
  const lines = [
    '---',
    `pretty_name: ${JSON.stringify(plain(name))}`,
    `license: ${licence}`,
    ...(options['language'] !== 'any' ? ['language:', `  - ${plain(String(options['language']))}`] : []),
    'task_categories:',
    '  - text-retrieval',
    '  - reinforcement-learning',
    'tags:',
    '  - query-reasoning',
    '  - grpo',
    ...(isStackExchange ? ['  - stack-exchange'] : []),
    `size_categories:\n  - ${sizeCategory(total)}`,
    'configs:',
    '  - config_name: default',
    '    data_files:',
    // A split without rows cannot be loaded by datasets.
    ...Object.entries(splits)
      .filter(([, questions]) => questions > 0)
      .map(([split]) => `      - split: ${split}\n        path: ${split}.parquet`),
    '---',
    '',
    `# ${plain(name)}`,
    '',
    `${count(total)} questions with ${count(positives)} positive documents, for training a model that reasons about a query`,
    'before it is searched (TongSearch-QR, arXiv 2506.11603): GRPO with a reward that asks whether the reasoned query comes',
    'closer to the positives than the question. Made with Quern.',
    '',
    '| split | questions |',
    '|---|---|',
    ...Object.entries(splits).map(([split, questions]) => `| ${split} | ${count(questions)} |`),
    '',
    "A question's split is decided by its id alone: neither more data nor another seed moves it.",
    '',
    '## Columns',
    '',
    '| column | type | what it is |',
    '|---|---|---|',
    ...columns.map(([column, type, what]) => `| ${column} | ${type} | ${what} |`),
    '',
    '```python',
    'from datasets import load_dataset',
    'data = load_dataset("FOLDER")  # this folder, or its name on the hub',
    '```',
    '',
    '## How it was made',
    '',
    '| stage | questions before | after | left out |',
    '|---|---|---|---|',
    ...stages.map(
      ({ stage, questionsIn, questionsOut, dropped }) =>
        `| ${stage} | ${count(questionsIn)} | ${count(questionsOut)} | ${
          Object.entries(dropped)
            .map(([reason, times]) => `${plain(reason)}: ${count(times)}`)
            .join('; ') || '–'
        } |`,
    ),
    '',
    protectedBy.length === 0
      ? 'It was held against no benchmark.'
      : `It was held against ${protectedBy.join(', ')}: questions that share 13 words in a row with a text of these, or are like one, were left out.`,
    ...(isHeldAgainstBright
      ? []
      : ['**BRIGHT was not at hand when this was made: check before you report results on it.**']),
    '',
    '| domain | read | kept |',
    '|---|---|---|',
    ...domains.map(({ domain, read, kept }) => `| ${plain(domain)} | ${count(read)} | ${count(kept)} |`),
    '',
    '## Sources and licence',
    '',
    ...sources.map(
      ({ title, kind, site }) => `- ${plain(title)} (${kind}${site === null ? '' : `, ${plain(site)}`})`,
    ),
    '',
    ...(stated.every((each) => each === 'not stated')
      ? ['The sources state no licence.']
      : [
          `Posts by licence: ${Object.entries(licences)
            .map(([each, posts]) => `${plain(each)}: ${count(posts)}`)
            .join(', ')}.`,
          '',
          'Where the source does not state it, the licence of a Stack Exchange post goes by the day it was written. Every post of',
          'which a source tells that much is in `dataset.json` with its author (a name, or a page), address and licence. Whoever gives',
          'the data away, or something made from it, names them and keeps to their licence (share alike).',
        ]),
    ...(options['positives'] === 'answers'
      ? []
      : [
          '',
          `Positives were written by a language model (${plain(String(options['reasoner']))}): its own terms hold for these.`,
        ]),
    ...(retrieval === null
      ? []
      : [
          '',
          `The same questions are a BEIR collection as well: ${count(retrieval.documents)} answers as documents, ${count(retrieval.judgements)} judgements.`,
        ]),
  ];
  return lines.join('\n');
}

/**
 * The hub's word for licences: of several versions of CC BY-SA the latest, as what is adapted may be given on under a
 * later one.
 */
function licenceId(stated: readonly string[]): string {
  if (stated.length === 0 || !stated.every((each) => each.startsWith('CC BY-SA'))) return 'other';
  const [only] = stated;
  return stated.length === 1 && only !== 'CC BY-SA'
    ? only.toLowerCase().replaceAll(' ', '-')
    : 'cc-by-sa-4.0';
}

function sizeCategory(total: number): string {
  const steps: readonly (readonly [number, string])[] = [
    [1e3, 'n<1K'],
    [1e4, '1K<n<10K'],
    [1e5, '10K<n<100K'],
    [1e6, '100K<n<1M'],
    [1e7, '1M<n<10M'],
  ];
  return steps.find(([most]) => total < most)?.[1] ?? '10M<n<100M';
}
