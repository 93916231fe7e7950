import { withoutText } from '../reason/without-text.ts';
import { inRounds } from './feedback-rounds.ts';
import type { Reasoning, ReasoningOptions, ReasoningPlan } from './reasoning-plan.ts';
import { checkPlanning } from './searches.ts';
import { WatchedReasoning } from './watched-reasoning.ts';

/**
 * Reasons about a query as planned: the gate is asked, then the reasoner, whose text is watched, then again with what was
 * found. What the reasoner throws is thrown in the first round; in later ones what there is counts. Throws `USAGE` before
 * anything is asked where the plan needs term weights and the retriever has none.
 */
export async function reasoningAbout(
  plan: ReasoningPlan,
  query: string,
  options: ReasoningOptions = {},
): Promise<Reasoning> {
  const { gate, reasoner, retriever, rounds } = plan;
  checkPlanning(plan, (reasoner.members?.length ?? 1) > 1);
  const decision = await gate?.decide(query, retriever, options);
  if (decision && !decision.reasons) {
    const why = { finish: 'skipped', skipped: decision.why } as const;
    return { reasoned: withoutText(query, reasoner.id, why), gate: decision };
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
