import { useMemo } from 'preact/hooks';
import { count } from '../../parts/figures.ts';
import { useLoaded } from '../../service/use-answer.ts';
import { changedHash } from './address.ts';
import type { Choice } from './choice.ts';
import { listedTopics } from './listed-topics.ts';
import type { SavedRun } from './saved.ts';
import { topicPairs, topicValues } from './topic-values.ts';

/** The topics before and after in the list, as it is ordered and narrowed. */
export function Neighbours({
  choice,
  params,
  topic,
  runs: [a, b],
}: {
  readonly choice: Choice;
  readonly params: URLSearchParams;
  readonly topic: string;
  readonly runs: readonly [SavedRun, SavedRun];
}) {
  const loaded = useLoaded(
    async () => topicPairs(await topicValues(a), await topicValues(b), choice.measure),
    [a.id, a.created, b.id, b.created, choice.measure],
  );
  const pairs = loaded.state === 'loaded' ? loaded.value : undefined;
  const { order, only, find } = choice;
  const listed = useMemo(() => pairs && listedTopics(pairs, choice), [pairs, order, only, find]);
  if (!listed) return null;
  const place = listed.findIndex(({ id }) => id === topic);
  if (place === -1) return null;
  const [before, after] = [listed[place - 1], listed[place + 1]];
  return (
    <>
      <span class="note">
        {count(place + 1)} of {count(listed.length)}
      </span>
      {before && <a href={changedHash(params, { topic: before.id })}>Previous</a>}
      {after && <a href={changedHash(params, { topic: after.id })}>Next</a>}
    </>
  );
}
