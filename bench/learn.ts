/**
 * Does GRPO on our own LibTorch binding teach a small model to write queries that find more? The whole way, from texts to
 * figures, each stage a command that leaves its files in the folder WORK; the next ones need no other:
 *
 *     npm run bench -- learn prepare
 *         tokenizer/, data/, textbooks/ (the collection), textbooks.index/, reasoned/reasoned-test/recorded.json
 *     npm run bench -- learn pretrain [--model small|medium] [--epochs N] [--rows N] [--learning-rate R] [--minutes N]
 *         pretrained/model/; goes on where it stopped
 *     npm run bench -- learn sft [--model small|medium] [--epochs N] [--recorded-epochs N] [--rows N] [--learning-rate R]
 *         warm/
 *     npm run bench -- learn arm --arm similarity|lexical|retrieval|shuffled [--seed N] [--steps N] [--embedder torch:FOLDER]
 *             [--set key=value …]
 *         arms/ARM-SEED/, a run of `quern train`; goes on where it stopped; then what it writes for the splits test and
 *         reasoned-test, in reasoned/
 *     npm run bench -- learn write --checkpoint FOLDER --name NAME [--split SPLIT] [--rows N] [--tokens N] [--penalty R]
 *         reasoned/SPLIT/NAME.json
 *     npm run bench -- learn evaluate [--split SPLIT]
 *         every file of reasoned/SPLIT, by itself and with the question, beside the question alone and rm3: each held against
 *         the question alone and against what the file warm.json brings; evaluation-SPLIT.json
 *
 *     npm run bench -- learn curves
 *         curves.svg of all arms
 *
 * All take [--work learn.work] [--device cpu|cuda] [--threads N], of the processor.
 * Splits: test, test-sample (600 of its questions), reasoned-test, validation (256 of train's, which nothing is trained on).
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { setNumThreads } from '@quern/libtorch';
import { openTextTokenizer } from 'quern/torch';
import { armNames, armRuns, trainArm } from './learn/arms.js';
import { curvesSvg } from './learn/curves.js';
import { writeCollection } from './learn/collection.js';
import { tokenizerTexts, writeData } from './learn/data.js';
import { measured, tableOf, writeReasoned, writeSettings, type Retrieval } from './learn/evaluate.js';
import { pretrain, pretrainSettings } from './learn/pretrain.js';
import { modelNames, type ModelName } from './learn/shapes.js';
import { readQuestions, readTextbooks } from './learn/textbooks.js';
import { writeTokenizer } from './learn/tokenizer.js';
import { warmStart, warmStartSettings } from './learn/warm-start.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    work: { type: 'string', default: 'learn.work' },
    model: { type: 'string', default: 'small' },
    device: { type: 'string' },
    threads: { type: 'string' },
    epochs: { type: 'string' },
    'recorded-epochs': { type: 'string' },
    rows: { type: 'string' },
    minutes: { type: 'string' },
    'learning-rate': { type: 'string' },
    checkpoint: { type: 'string' },
    name: { type: 'string' },
    split: { type: 'string', default: 'reasoned-test' },
    tokens: { type: 'string' },
    penalty: { type: 'string' },
    arm: { type: 'string' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '60' },
    embedder: { type: 'string', default: '' },
    set: { type: 'string', multiple: true, default: [] },
  },
});

const work = resolve(flags.work);
const collection = join(work, 'textbooks');
const stages: Record<string, () => Promise<void>> = {
  prepare,
  pretrain: pretrained,
  sft,
  arm,
  write,
  evaluate,
  curves,
};
const stage = stages[positionals[0] ?? ''];
if (!stage) {
  console.error(`learn: name a stage: ${Object.keys(stages).join(', ')}`);
  process.exit(2);
}
if (flags.threads !== undefined) setNumThreads(Number(flags.threads));
await stage();

/** Those of `given` that are there, as numbers. */
function numbers<K extends string>(
  given: Readonly<Record<K, string | undefined>>,
): Partial<Record<K, number>> {
  const entries = Object.entries<string | undefined>(given).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, Number(text)] as const],
  );
  for (const [name, value] of entries) if (Number.isNaN(value)) throw new Error(`${name} is no number`);
  return Object.fromEntries(entries) as Partial<Record<K, number>>;
}

function modelName(): ModelName {
  const model = modelNames.find((name) => name === flags.model);
  if (!model) throw new Error(`--model is one of ${modelNames.join(', ')}`);
  return model;
}

function onDevice(): { readonly device?: string } {
  return flags.device === undefined ? {} : { device: flags.device };
}

async function prepare(): Promise<void> {
  const data = resolve(process.env['QUERN_DATA'] ?? '../shared/data');
  const books = await readTextbooks(join(data, 'textbooks'));
  const tokenizer = join(work, 'tokenizer');
  await rm(tokenizer, { recursive: true, force: true });
  const { words, entries } = await writeTokenizer(tokenizer, tokenizerTexts(books));
  console.log(`tokenizer: ${entries} entries of ${words} words`);
  const facts = await writeData(join(work, 'data'), books, await openTextTokenizer(tokenizer), data);
  console.log(JSON.stringify(facts, null, 2));
  await writeCollection(join(data, 'textbooks'), collection, {
    validation: join(work, 'data/validation.tsv'),
    test: books.test,
  });
  // For figures alone: nothing that is trained looks there.
  const recorded = books.reasonedTest.map(({ text }) => [text, books.reasoned.get(text)!] as const);
  await writeReasonedFile('reasoned-test', 'recorded', recorded);
}

async function pretrained(): Promise<void> {
  await pretrain(join(work, 'pretrained'), join(work, 'tokenizer'), join(work, 'data'), {
    ...pretrainSettings[modelName()],
    ...onDevice(),
    ...numbers({
      epochs: flags.epochs,
      rows: flags.rows,
      minutes: flags.minutes,
      learningRate: flags['learning-rate'],
    }),
  });
}

async function sft(): Promise<void> {
  await rm(join(work, 'warm'), { recursive: true, force: true });
  await warmStart(join(work, 'pretrained/model'), join(work, 'warm'), join(work, 'data'), {
    ...warmStartSettings[modelName()],
    ...onDevice(),
    ...numbers({
      epochs: flags.epochs,
      recordedEpochs: flags['recorded-epochs'],
      rows: flags.rows,
      learningRate: flags['learning-rate'],
    }),
  });
}

async function writeReasonedFile(
  split: string,
  name: string,
  reasoned: Iterable<readonly [question: string, text: string]>,
): Promise<void> {
  const folder = join(work, 'reasoned', split);
  await mkdir(folder, { recursive: true });
  const json = JSON.stringify(Object.fromEntries(reasoned), null, 1);
  await writeFile(join(folder, `${name}.json`), `${json}\n`);
}

async function arm(): Promise<void> {
  const name = armNames.find((each) => each === flags.arm);
  if (!name) throw new Error(`--arm is one of ${armNames.join(', ')}`);
  const { embedder, seed, steps, set } = flags;
  const checkpoint = await trainArm(work, {
    arm: name,
    seed: Number(seed),
    steps: Number(steps),
    embedder,
    device: flags.device ?? 'cpu',
    ...numbers({ minutes: flags.minutes }),
    set,
  });
  for (const split of ['reasoned-test', 'test']) await writeAs(checkpoint, `${name}-${seed}`, split);
}

async function write(): Promise<void> {
  const { checkpoint, name, split } = flags;
  if (checkpoint === undefined || name === undefined) throw new Error('--checkpoint and --name are needed');
  await writeAs(checkpoint, name, split);
}

async function writeAs(checkpoint: string, name: string, split: string): Promise<void> {
  const { reasoned, meanTokens, cut, seconds } = await writeReasoned(
    checkpoint,
    await readQuestions(collection, split),
    {
      ...writeSettings,
      ...onDevice(),
      ...(flags.device?.startsWith('cuda') && { rows: 256 }),
      ...numbers({ rows: flags.rows, mostTokens: flags.tokens, repetitionPenalty: flags.penalty }),
    },
  );
  await writeReasonedFile(split, name, reasoned);
  const empty = [...reasoned.values()].filter((text) => text === '').length;
  console.log(
    `${name}: ${reasoned.size} questions of ${split}, ${meanTokens.toFixed(0)} tokens on average, ` +
      `${(100 * cut).toFixed(0)} % cut, ${empty} empty, ${seconds.toFixed(1)} s`,
  );
}

async function curves(): Promise<void> {
  await writeFile(join(work, 'curves.svg'), await curvesSvg(work, await armRuns(work)));
}

async function evaluate(): Promise<void> {
  const { split } = flags;
  const folder = join(work, 'reasoned', split);
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const retrievals: Retrieval[] = [
    { name: 'none', reasoner: 'none' },
    { name: 'rm3', reasoner: 'rm3' },
    ...files.flatMap((file) =>
      ['replace', 'concat:1', 'concat:3'].map((combine) => ({
        name: `${basename(file, '.json')} ${combine}`,
        reasoner: `file:${join(folder, file)}`,
        combine,
      })),
    ),
  ];
  const warm = retrievals.filter(({ name }) => name.startsWith('warm ')).map(({ name }) => name);
  const rows = await measured(collection, split, retrievals, {
    index: `${collection}.index`,
    runs: join(work, 'runs'),
    baselines: ['none', ...warm],
    isHeldAgainst,
  });
  const count =
    (await readFile(join(collection, 'qrels', `${split}.tsv`), 'utf8')).trim().split('\n').length - 1;
  console.log(`textbooks, ${split}: ${count} questions\n${tableOf(rows)}`);
  await writeFile(join(work, `evaluation-${split}.json`), `${JSON.stringify(rows, null, 2)}\n`);
}

/** Against the question alone, and against the warm start that is combined with it alike. */
function isHeldAgainst(name: string, baseline: string): boolean {
  return baseline === 'none' || name.split(' ')[1] === baseline.split(' ')[1];
}
