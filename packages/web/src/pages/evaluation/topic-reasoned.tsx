import { finishWords } from '../../../../quern/src/evaluate/report-words.ts';
import { count, duration, money } from '../../parts/figures.ts';
import { Name } from './names.tsx';
import type { SavedRun, TopicAnswer } from './saved.ts';

/** What a run's reasoner wrote about a topic, and what it took. */
export function Reasoned({ topic, run }: { readonly topic: TopicAnswer; readonly run: SavedRun }) {
  const { reasoned, reasoning, unreadable } = topic;
  const searched = new Set(reasoning?.searched);
  const weights = Object.entries(reasoned?.weights ?? {}).sort(([, a], [, b]) => b - a);
  const facts = [
    reasoning && reasoned?.reasoner !== 'none' && `reasoned query: ${finishWords[reasoning.finish]}`,
    reasoning?.cached && 'recorded before',
    reasoning && tokensText(reasoning),
    reasoning && run.reasoner !== 'none' && !reasoning.cached && duration(reasoning.milliseconds),
    reasoning?.cost && money(reasoning.cost),
    searched.size > 0 &&
      `searched with ${[...searched].map((each) => (each === 'both' ? 'query and reasoned query' : each === 'reasoned' ? 'the reasoned query' : 'the query')).join(', then ')}`,
  ].filter((fact) => typeof fact === 'string');
  return (
    <>
      {facts.length > 0 && <p class="note">{facts.join(' · ')}</p>}
      {reasoning?.failure !== undefined && <p class="bad">The reasoner failed: {reasoning.failure}</p>}
      {reasoned?.skipped !== undefined && <p class="note">Not asked for: {reasoned.skipped}</p>}
      {reasoned === undefined ? (
        <p class="note">What was reasoned was not saved, or cannot be read.</p>
      ) : reasoned.text.trim() !== '' ? (
        <p class="long reasoned" dir="auto" tabIndex={0} role="group" aria-label="Reasoned query">
          {reasoned.text}
        </p>
      ) : weights.length > 0 ? (
        <ul class="weights" aria-label="Weights of terms">
          {weights.slice(0, 60).map(([term, weight]) => (
            <li key={term}>
              <Name>{term}</Name> <span class="note">{weight.toPrecision(3)}</span>
            </li>
          ))}
          {weights.length > 60 && <li class="note">and {count(weights.length - 60)} more</li>}
        </ul>
      ) : (
        <p class="note">No reasoned query: the question stands alone.</p>
      )}
      {unreadable > 0 && (
        <p class="bad">
          {count(unreadable)} {unreadable === 1 ? 'line' : 'lines'} of its files cannot be read, and{' '}
          {unreadable === 1 ? 'is' : 'are'} left out here.
        </p>
      )}
    </>
  );
}

function tokensText({
  promptTokens,
  completionTokens,
  uncounted,
}: NonNullable<TopicAnswer['reasoning']>): string | undefined {
  if (promptTokens === 0 && completionTokens === 0) return undefined;
  return `${count(promptTokens)} tokens in, ${uncounted ? 'about ' : ''}${count(completionTokens)} out`;
}
