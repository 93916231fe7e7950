/** What a checkpoint writes for the questions of a split, and what that brings to retrieval. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openTextTokenizer, Qwen2Model, TokenGenerator } from 'quern/torch';
import { promptTokens } from './chat.js';
import { quern } from './quern.js';
import type { Question } from './textbooks.js';

export interface WriteSettings {
  readonly device: string;
  /** Completions at a time. */
  readonly rows: number;
  readonly mostTokens: number;
  /** Divides the logits of tokens that were used, so that small models do not go round in circles. 1: none. */
  readonly repetitionPenalty: number;
}

/** The published penalty; else the likeliest token each time. */
export const writeSettings: WriteSettings = {
  device: 'cpu',
  rows: 64,
  mostTokens: 200,
  repetitionPenalty: 1.05,
};

export interface Written {
  /** By a question's text. */
  readonly reasoned: ReadonlyMap<string, string>;
  /** Tokens of a completion, and the share of completions that did not end by themselves. */
  readonly meanTokens: number;
  readonly cut: number;
  readonly seconds: number;
}

/** The reasoned queries that a model writes, the likeliest token each time. */
export async function writeReasoned(
  folder: string,
  questions: readonly Question[],
  { device, rows, mostTokens, repetitionPenalty }: WriteSettings,
): Promise<Written> {
  const begun = performance.now();
  const texts = await openTextTokenizer(folder);
  const dtype = device === 'cpu' ? 'float32' : 'bfloat16';
  const model = await Qwen2Model.load(folder, { device, dtype });
  const sampling = { temperature: 0, repetitionPenalty, maxTokens: mostTokens };
  const generator = new TokenGenerator(model, { sampling, rows });
  const asked = [...new Set(questions.map(({ text }) => text))];
  const ends = new Set(model.config.endTokens);
  let tokens = 0;
  let cut = 0;
  const written = await Promise.all(
    asked.map(async (question) => {
      const [completion] = await generator.generate({ prompt: promptTokens(texts, question), seeds: [0] });
      tokens += completion.tokens.length;
      if (completion.finish === 'length') cut++;
      const own = completion.tokens.filter((token) => !ends.has(token));
      const text = own.length === 0 ? '' : texts.tokenizer.decode(own, { skip_special_tokens: true });
      return [question, text.trim()] as const;
    }),
  );
  await generator.close();
  model.close();
  return {
    reasoned: new Map(written),
    meanTokens: tokens / asked.length,
    cut: cut / asked.length,
    seconds: (performance.now() - begun) / 1000,
  };
}

/** A way to search. */
export interface Retrieval {
  readonly name: string;
  /** `none`, `rm3` or `file:PATH`. */
  readonly reasoner: string;
  /** Default: replace. */
  readonly combine?: string;
}

export interface Measured {
  readonly name: string;
  readonly means: Readonly<Record<Measure, number>>;
  /** Against each retrieval that others are held against, by its name. */
  readonly against: Readonly<Record<string, Readonly<Record<Measure, Difference>>>>;
}

export interface Difference {
  readonly difference: number;
  /** How often chance makes one as large (paired randomisation), alone and among all of one table (Holm). */
  readonly p: number;
  readonly adjusted: number;
}

const measures = ['ndcg@10', 'recall@100'] as const;
export type Measure = (typeof measures)[number];

/**
 * Measures retrievals on a split of a collection in the BEIR layout by `quern eval`, and holds them by `quern compare` against
 * those that `baselines` names, of which the first is held against all. Runs are written into the folder `runs`.
 */
export async function measured(
  collection: string,
  split: string,
  retrievals: readonly Retrieval[],
  {
    index,
    runs,
    baselines = [retrievals[0].name],
    isHeldAgainst = () => true,
  }: {
    readonly index: string;
    readonly runs: string;
    readonly baselines?: readonly string[];
    readonly isHeldAgainst?: (name: string, baseline: string) => boolean;
  },
): Promise<Measured[]> {
  await mkdir(runs, { recursive: true });
  const paths = new Map<string, string>();
  for (const { name, reasoner, combine = 'replace' } of retrievals) {
    const path = join(runs, `${split}-${name.replaceAll(/[^\w.-]+/g, '-')}.trec`);
    const reasoning = reasoner === 'none' ? [] : ['--reasoner', reasoner, '--combine', combine];
    const asked = ['--split', split, '--index', index, '--no-cache', '--run', path, '--json'];
    quern(['eval', `beir:${collection}`, '-k', '100', ...asked, ...reasoning]);
    paths.set(name, path);
  }
  const qrels = join(collection, 'qrels', `${split}.tsv`);
  const tables = baselines.flatMap((baseline) => {
    const others = retrievals.map(({ name }) => name).filter((name) => name !== baseline);
    const names = [baseline, ...others.filter((name) => isHeldAgainst(name, baseline))];
    if (names.length === 1) return [];
    return [
      {
        baseline,
        names,
        comparison: compared(
          names.map((name) => paths.get(name)!),
          qrels,
        ),
      },
    ];
  });
  return retrievals.map(({ name }) => {
    const { names, comparison } = tables[0];
    const means = byMeasure((measure) => comparison.mean(names.indexOf(name), measure));
    const against = tables.flatMap((table) => {
      const at = table.names.indexOf(name);
      if (at <= 0) return [];
      return [[table.baseline, byMeasure((measure) => table.comparison.difference(at, measure))] as const];
    });
    return { name, means, against: Object.fromEntries(against) };
  });
}

function byMeasure<T>(of: (measure: Measure) => T): Record<Measure, T> {
  return { 'ndcg@10': of('ndcg@10'), 'recall@100': of('recall@100') };
}

/** What `quern compare` says of runs, by their places. */
function compared(
  paths: readonly string[],
  qrels: string,
): {
  mean: (run: number, measure: Measure) => number;
  difference: (run: number, measure: Measure) => Difference;
} {
  const { runs, comparisons } = JSON.parse(
    quern(['compare', ...paths, '--qrels', qrels, '--measures', measures.join(','), '--json']),
  ) as {
    runs: { measure: Measure; mean: number }[];
    comparisons: {
      measure: Measure;
      difference: number;
      randomisation: { p: number };
      adjusted: { randomisation: number };
    }[];
  };
  const of = <T extends { readonly measure: Measure }>(all: readonly T[], at: number, measure: Measure): T =>
    all.filter((each) => each.measure === measure)[at];
  return {
    mean: (run, measure) => of(runs, run, measure).mean,
    difference: (run, measure) => {
      const { difference, randomisation, adjusted } = of(comparisons, run - 1, measure);
      return { difference, p: randomisation.p, adjusted: adjusted.randomisation };
    },
  };
}

/** A table as lines. */
export function tableOf(rows: readonly Measured[]): string {
  const widest = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(({ name, means, against }) => {
    const differences = Object.entries(against).map(([baseline, by]) => {
      const { difference, p } = by['ndcg@10'];
      return `${difference < 0 ? '' : '+'}${difference.toFixed(4)} to ${baseline} (p ${p < 1e-4 ? '< 0.0001' : p.toFixed(4)})`;
    });
    const values = measures.map((measure) => means[measure].toFixed(4)).join('  ');
    return `  ${name.padEnd(widest)}  ${values}  ${differences.join(', ')}`;
  });
  return [`  ${''.padEnd(widest)}  ${measures.join(' ')}`, ...lines].join('\n');
}
