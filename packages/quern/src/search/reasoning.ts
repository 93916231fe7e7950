import type { ReasonedQuery, Reasoner } from '../reason/reasoner.ts';
import { inRounds } from './feedback-rounds.ts';
import type { GateDecision } from './gate.ts';
import type { Reasoning, ReasoningOptions, ReasoningPlan } from './reasoning-plan.ts';
import { WatchedReasoning } from './watched-reasoning.ts';

/**
 * Reasons about a query as planned: the gate is asked, then the reasoner, whose text is watched, then again with what was
 * found. What the reasoner throws is thrown in the first round; in later ones what there is counts.
 */
export async function reasoningAbout(
  plan: ReasoningPlan,
  query: string,
  options: ReasoningOptions = {},
): Promise<Reasoning> {
  const { gate, reasoner, retriever, rounds } = plan;
  const decision = await gate?.decide(query, retriever, options);
  if (decision && !decision.reasons) {
    return { reasoned: skippedBy(decision, query, reasoner), gate: decision };
  }
  const watched = new WatchedReasoning(plan);
  const asked: Pick<Reasoning, 'reasoned' | 'rounds'> = rounds
    ? await inRounds(plan, rounds, query, options, watched)
    : { reasoned: await watched.reason(query, options) };
  return {
    ...asked,
    ...(decision && { gate: decision }),
    ...(plan.earlyStop && { probing: watched.probing }),
  };
}

function skippedBy({ why }: GateDecision, query: string, { id }: Reasoner): ReasonedQuery {
  return {
    query,
    text: '',
    reasoner: id,
    finish: 'skipped',
    promptTokens: 0,
    completionTokens: 0,
    milliseconds: 0,
    cached: false,
    skipped: why,
  };
}
