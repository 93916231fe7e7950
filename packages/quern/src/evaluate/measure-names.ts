import { QuernError } from '../errors.ts';
import { ndcg, type Gains } from './measure-gain.ts';
import type { JudgedRanking } from './measure-judged-ranking.ts';
import { binaryPreference } from './measure-preference.ts';
import {
  averagePrecision,
  precision,
  recall,
  reciprocalRank,
  relativePrecision,
  rPrecision,
  success,
} from './measure-precision.ts';
import { setAveragePrecision, setF, setPrecision, setRecall, setRelativePrecision } from './measure-set.ts';

/** A measure: a number for each topic, and how the topics' numbers are put together. */
export interface Measure {
  /** The canonical name, e.g. `ndcg@10`: what records and reports are keyed by. */
  readonly name: string;
  /** How topics are summarised: measures are averaged, counts (`num_rel`, …) are added up. */
  readonly summary: 'mean' | 'sum';
  /** The value of one topic. */
  readonly value: (ranking: JudgedRanking) => number;
}

const cutoffs = [5, 10, 15, 20, 30, 100, 200, 500, 1000];

type Plain = (ranking: JudgedRanking) => number;
type Cut = (ranking: JudgedRanking, k: number) => number;

const plainMeasures: Readonly<Record<string, Plain>> = {
  map: (ranking) => averagePrecision(ranking),
  recip_rank: reciprocalRank,
  Rprec: rPrecision,
  bpref: binaryPreference,
  set_P: setPrecision,
  set_recall: setRecall,
  set_relative_P: setRelativePrecision,
  set_map: setAveragePrecision,
};

const cutMeasures: Readonly<Record<string, { readonly value: Cut; readonly byDefault: readonly number[] }>> =
  {
    ndcg: { value: ndcg, byDefault: cutoffs },
    map: { value: averagePrecision, byDefault: cutoffs },
    P: { value: precision, byDefault: cutoffs },
    recall: { value: recall, byDefault: cutoffs },
    relative_P: { value: relativePrecision, byDefault: cutoffs },
    success: { value: success, byDefault: [1, 5, 10] },
  };

const countMeasures: Readonly<Record<string, Plain>> = {
  num_q: () => 1,
  num_ret: ({ levels }) => levels.length,
  num_rel: ({ relevant }) => relevant,
  num_rel_ret: ({ relevantRetrieved }) => relevantRetrieved,
};

/** Other spellings: lower-cased name → canonical name. */
const aliases: ReadonlyMap<string, string> = new Map([
  ...[...Object.keys(plainMeasures), ...Object.keys(cutMeasures), ...Object.keys(countMeasures)].map(
    (name) => [name.toLowerCase(), name] as const,
  ),
  ['set_f', 'set_F'],
  ['ndcg_cut', 'ndcg_cut'],
  ['map_cut', 'map_cut'],
  ['mrr', 'recip_rank'],
]);

/** What {@link parseMeasures} understands, for messages and help texts. */
export const measureSpellings: readonly string[] = [
  'ndcg',
  'ndcg.LEVEL=GAIN,…',
  ...Object.keys(plainMeasures),
  'set_F',
  'set_F.X',
  ...Object.keys(cutMeasures).map((name) => `${name}@K`),
  ...Object.keys(countMeasures),
];

/**
 * The measures named by `names`, each once, in the order in which they are first named. A name is a canonical one
 * (`ndcg@10`, `map`, `P@5`, `recip_rank`, `set_F`, …), trec_eval's (`ndcg_cut.10`,
 * `ndcg_cut_10`, `P.5,10`, `recall_100`, `ndcg.1=3,2=9`, `P` for trec_eval's own cutoffs) or `mrr`; letters' case does not
 * matter. One string may hold several names, separated by white space or by commas that no digit follows.
 *
 * Throws `USAGE` for a name or a parameter that does not exist.
 */
export function parseMeasures(names: readonly string[]): Measure[] {
  const measures = new Map<string, Measure>();
  for (const name of names.flatMap((text) => text.split(/\s+|,(?!\d)/)).filter((text) => text !== '')) {
    for (const measure of measuresOf(name))
      if (!measures.has(measure.name)) measures.set(measure.name, measure);
  }
  return [...measures.values()];
}

function measuresOf(name: string): Measure[] {
  const whole = aliases.get(name.toLowerCase());
  const match = whole === undefined ? /^(.+?)[@._](\d.*|\.\d.*)$/.exec(name) : null;
  const base = whole ?? aliases.get(match?.[1]?.toLowerCase() ?? '');
  const parameters = match?.[2];
  if (base === undefined) {
    throw new QuernError('USAGE', `there is no measure ${JSON.stringify(name)}`, {
      hint: `Measures: ${measureSpellings.join(', ')}`,
    });
  }
  if (base === 'set_F') return [setFMeasure(parameters, name)];
  if (base === 'ndcg' && parameters?.includes('=')) return [gainMeasure(parameters, name)];
  if (parameters === undefined) {
    if (base === 'ndcg') return [mean('ndcg', (ranking) => ndcg(ranking))];
    const plain = plainMeasures[base];
    if (plain) return [mean(base, plain)];
    const counted = countMeasures[base];
    if (counted) return [{ name: base, summary: 'sum', value: counted }];
  }
  const short = base.replace(/_cut$/, '');
  const cut = cutMeasures[short];
  if (!cut) throw badParameter(name, 'takes no parameter');
  return (parameters === undefined ? cut.byDefault : cutoffsOf(parameters, name)).map((k) =>
    mean(`${short}@${k}`, (ranking) => cut.value(ranking, k)),
  );
}

function mean(name: string, value: Plain): Measure {
  return { name, summary: 'mean', value };
}

function badParameter(name: string, what: string): QuernError {
  return new QuernError('USAGE', `measure ${JSON.stringify(name)} ${what}`, {
    hint: `Measures: ${measureSpellings.join(', ')}`,
  });
}

function cutoffsOf(parameters: string, name: string): number[] {
  return parameters.split(',').map((text) => {
    const k = Number(text);
    if (!/^\d+$/.test(text) || k < 1 || !Number.isSafeInteger(k))
      throw badParameter(name, 'needs cutoffs of 1 or more');
    return k;
  });
}

function setFMeasure(parameters: string | undefined, name: string): Measure {
  const x = parameters === undefined ? 1 : Number(parameters);
  if (!Number.isFinite(x) || x < 0) throw badParameter(name, 'needs a weight of 0 or more');
  return mean(x === 1 ? 'set_F' : `set_F.${x}`, (ranking) => setF(ranking, x));
}

function gainMeasure(parameters: string, name: string): Measure {
  const gains = new Map<number, number>();
  for (const pair of parameters.split(',')) {
    const [, level, gain] = /^(\d+)=([+-]?(?:\d+(?:\.\d*)?|\.\d+))$/.exec(pair) ?? [];
    if (level === undefined || gains.has(Number(level))) {
      throw badParameter(name, 'needs one gain for each level, as in ndcg.1=3,2=9');
    }
    gains.set(Number(level), Number(gain));
  }
  const canonical = [...gains].sort(([a], [b]) => a - b).map(([level, gain]) => `${level}=${gain}`);
  const byLevel: Gains = gains;
  return mean(`ndcg.${canonical.join(',')}`, (ranking) => ndcg(ranking, Infinity, byLevel));
}
