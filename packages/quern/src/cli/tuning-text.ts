import type { NamedTuning } from '../evaluate/tune-named.ts';
import type { PairedComparison } from '../evaluate/comparison.ts';
import type { GainCounts } from '../evaluate/gate-evidence.ts';
import type { AdjustedP } from '../evaluate/statistics.ts';
import { intervalText, pSentence, signed } from '../evaluate/report-words.ts';
import { decimal } from '../report/words.ts';
import type { AdjustedComparison } from '../evaluate/tuning-combination.ts';
import { defaultBm25Parameters } from '../lexical/bm25.ts';
import { combineName } from '../search/combine.ts';
import { oneLine } from '../one-line.ts';
import { heaviestFacts, ruleText } from '../search/gate-rule.ts';
import { factWords } from '../search/query-facts.ts';
import { table } from './output.ts';

/** What the text of a tuning needs to know beside it. */
export interface TuningTextSettings {
  readonly reasoner: string;
  readonly background?: string;
  readonly k1: number;
  readonly b: number;
  /** The gate's file, where one was written. */
  readonly out?: string;
}

/** Below this, a difference is called significant. */
const level = 0.05;

/** A tuning for a terminal: what was chosen, what it brings, whether that can be relied on, what to do next. */
export function tuningText(tuning: NamedTuning, settings: TuningTextSettings): string {
  const { collection, scoring, gateRecord } = tuning;
  const { topics, measure, folds } = gateRecord.calibration;
  const dealt = Math.min(folds, topics);
  const head = `${oneLine(collection)}: ${topics} topics, ${scoring}, reasoner ${oneLine(settings.reasoner)}, by ${measure}`;
  const key =
    `Intervals: 95 %. What is said of unseen topics is by ${dealt}-fold cross-validation: each ${dealt === topics ? 'topic' : 'fold'}\n` +
    'was answered with what was chosen without it, which may differ from what is chosen of all.\n' +
    'p: randomisation tests, two-sided.';
  return [
    head,
    combinationText(tuning, measure, dealt),
    gateText(tuning),
    key,
    nextText(tuning, settings),
  ].join('\n\n');
}

function combinationText({ combination }: NamedTuning, measure: string, folds: number): string {
  const { chosen, plain, candidates, outOfFold, against, repeated } = combination;
  const rows = candidates.map(({ name, mean, interval, timesChosen }) => [
    name === chosen ? `* ${name}` : `  ${name}`,
    decimal(mean, 4),
    intervalText(interval, 4),
    `${timesChosen} of ${folds}`,
  ]);
  const bare = ['  (the question as it is)', decimal(plain.mean, 4), intervalText(plain.interval, 4)];
  const [low, high] = [Math.min(...repeated.means), Math.max(...repeated.means)];
  const often = repeated.timesChosen[combination.place];
  return [
    `How to combine: ${chosen}`,
    table([['  combination', measure, '95 % interval', 'chosen in folds'], bare, ...rows]),
    '  These means are of all topics: the best of so many looks better than it is.',
    `On unseen topics, choosing so brings ${decimal(outOfFold.mean, 4)} ${intervalText(outOfFold.interval, 4)}:`,
    `  ${againstText(against.plain)} the question as it is`,
    `  ${againstText(against.first)} ${candidates[0].name}`,
    `Dealt into folds in ten ways it brings ${decimal(low, 4)} to ${decimal(high, 4)}; ${chosen} is chosen in ${often} of ${repeated.folds} folds.`,
  ].join('\n');
}

/** `+0.0213 [0.0041, 0.0385], significant (p = 0.012, Holm), against`: what it is against comes behind. */
function againstText({ difference, interval, adjustedP, wins, losses }: AdjustedComparison): string {
  if (wins + losses === 0) return 'the same, topic by topic, as';
  const word = adjustedP < level ? 'significant' : 'not significant';
  return `${signed(difference, 4)} ${intervalText(interval, 4)}, ${word} (${pSentence(adjustedP)}, Holm), against`;
}

function gateText({ gate, gateRecord }: NamedTuning): string {
  const { worth } = gateRecord.calibration;
  const { evidence, rule } = gate;
  const { gated, interval, share, never, always, oracle, oracleShare } = evidence;
  const { sameCost, reasoned, aside, against } = evidence;
  return [
    `When to reason: ${ruleText(rule)}`,
    ...heaviestFacts(rule).map((fact) => `  ${fact}: ${factWords[fact]}`),
    table([
      ['  on unseen topics', 'reasoned about', 'brings', '95 % interval'],
      row('never', 0, never),
      row('always', 1, always),
      row('as many by chance', share, sameCost),
      row('the gate', share, gated, intervalText(interval, 4)),
      row('a gate that knew', oracleShare, oracle),
    ]),
    `Against as many by chance: ${pairText(against.sameCost)}; against always: ${pairText(against.always)}.`,
    ...(worth === 0
      ? []
      : [
          `A gate that knew reasons where a call brings more than ${worth}; one that takes smaller gains too can bring more.`,
        ]),
    `Where it reasons: ${countsText(reasoned, 'gain')}. Where it stands aside: ${countsText(aside, 'would gain')}.`,
  ].join('\n');
}

function row(name: string, share: number, value: number, range = ''): string[] {
  return [`  ${name}`, percent(share), decimal(value, 4), range];
}

function pairText({ difference, adjustedP }: AdjustedP & Pick<PairedComparison, 'difference'>): string {
  return `${signed(difference, 4)} (${pSentence(adjustedP)}, Holm)`;
}

function countsText({ gain, even, lose }: GainCounts, verb: string): string {
  const total = gain + even + lose;
  return total === 0 ? 'no topic' : `${gain} of ${total} topics ${verb}, ${lose} lose`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function nextText(
  { combination, gate, gateRecord, scoring, planning }: NamedTuning,
  settings: TuningTextSettings,
): string {
  const { reasoner, out } = settings;
  const { plain } = combination.against;
  const { worth } = gateRecord.calibration;
  if (gate.rule.kind === 'never') {
    return (
      'What to do next: search questions as they are; on these topics reasoning ' +
      (worth > 0 ? `brings too little for --worth ${worth}` : 'is not worth it') +
      (out === undefined ? '.' : `.\nThe gate in ${oneLine(out)} says no to every question.`)
    );
  }
  const { share, against } = gate.evidence;
  // What stood aside from no unseen topic says the same as always, and needs a search to say it.
  const isNeedless = gate.rule.kind === 'always' || share === 1;
  const doubts = [
    ...(plain.difference > 0 && plain.adjustedP < level
      ? []
      : ['These topics do not show that reasoning helps: more of them, or another reasoner, may.']),
    ...(isNeedless || (against.sameCost.difference > 0 && against.sameCost.adjustedP < level)
      ? []
      : [
          'These topics do not show that the gate chooses better than chance: it saves calls, and may cost gains.',
        ]),
  ];
  const flag = isNeedless ? '' : ` --gate ${out === undefined ? 'FILE' : shellWord(out)}`;
  const how =
    gate.rule.kind === 'always'
      ? 'reason about every question; no gate is needed'
      : isNeedless
        ? 'reason about every question; the gate stood aside from no unseen one'
        : out === undefined
          ? 'write the gate with --out FILE, and search with it'
          : 'search with the combination and the gate';
  const command = `quern search INDEX "question" --scoring ${scoring} --reasoner ${shellWord(reasoner)} ${optionsOf(planning, settings)}${flag}`;
  return [`What to do next: ${how}:`, `  ${command}`, ...doubts].join('\n');
}

/** The options that a planning is asked for with. */
function optionsOf(
  { combine, join, keyTerms, background }: NamedTuning['planning'],
  settings: TuningTextSettings,
): string {
  const { k1, b } = settings;
  const known = defaultBm25Parameters;
  return [
    `--combine ${combineName(combine)}`,
    ...(join === undefined || join === 'concat' ? [] : [`--join ${join}`]),
    ...(keyTerms === undefined ? [] : [`--key-terms ${keyTerms}`]),
    ...(background
      ? [`--background ${shellWord(settings.background ?? 'FILE')} --background-power ${background.power}`]
      : []),
    ...(k1 === known.k1 ? [] : [`--k1 ${k1}`]),
    ...(b === known.b ? [] : [`--b ${b}`]),
  ].join(' ');
}

/** A text as a shell takes it for one word. */
function shellWord(text: string): string {
  return /^[\w./:@=+,~-]+$/.test(text) ? text : `'${oneLine(text, 1000).replaceAll("'", String.raw`'\''`)}'`;
}
