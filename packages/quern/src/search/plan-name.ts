import type { Background } from './background.ts';
import { combineName } from './combine.ts';
import { earlyStopName } from './early-stop.ts';
import type { ReasoningPlan } from './reasoning-plan.ts';
import { defaultRerankDepth, defaultRerankWords, type Reranking } from './reranking.ts';
import { checkedRounds, type Rounds } from './rounds.ts';

/** What of a plan is in its name. */
export type NamedPlan = Omit<ReasoningPlan, 'reasoner' | 'retriever' | 'background'> & {
  readonly background?: Pick<Background, 'power'>;
};

/** What names a plan in a run's name: what differs from asking once and searching the text, each by its option's name. */
export function planName(plan: NamedPlan): string[] {
  const { combine, join = 'concat', keyTerms, background, earlyStop, rounds, gate, rerank } = plan;
  return [
    ...(combine.kind === 'replace' ? [] : [combineName(combine)]),
    ...(join === 'concat' ? [] : [`join:${join}`]),
    ...(keyTerms ? [`key-terms:${keyTerms}`] : []),
    ...(background ? [`background:${background.power}`] : []),
    ...(earlyStop ? [`early-stop:${earlyStopName(earlyStop)}`] : []),
    ...(rounds && rounds.count > 1 ? roundsNames(rounds) : []),
    ...(gate ? ['gate'] : []),
    ...(rerank ? [rerankName(rerank)] : []),
  ];
}

function roundsNames(rounds: Rounds): string[] {
  const { count, keep, tokens } = checkedRounds(rounds);
  const usual = checkedRounds({ count });
  return [
    `rounds:${count}`,
    ...(keep === usual.keep ? [] : [`rounds-keep:${keep}`]),
    ...(tokens === usual.tokens ? [] : [`rounds-tokens:${tokens}`]),
  ];
}

function rerankName({ reranker, depth = defaultRerankDepth, words = defaultRerankWords }: Reranking): string {
  const settings = [
    ...(depth === defaultRerankDepth ? [] : [`depth:${depth}`]),
    ...(words === defaultRerankWords ? [] : [`words:${words}`]),
  ];
  return [`rerank:${reranker.id}`, ...settings].join(',');
}
