import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { measureWords } from '../../../../quern/src/evaluate/report-words.ts';
import { count } from '../../parts/figures.ts';
import { Failed, Loading } from '../../parts/states.tsx';
import { ask, path } from '../../service/client.ts';
import { useLoaded, type Loaded } from '../../service/use-answer.ts';
import { changedHash } from './address.ts';
import type { Choice } from './choice.ts';
import { Name } from './names.tsx';
import { writtenDifference } from './pair-words.ts';
import { written } from './results-table.ts';
import type { SavedRun, TopicAnswer } from './saved.ts';
import { Neighbours } from './topic-neighbours.tsx';
import { Reasoned } from './topic-reasoned.tsx';
import { Relevant } from './topic-relevant.tsx';
import { Ranking } from './topic-ranking.tsx';
import { firstRanks, mostRanks } from './topic-ranks.ts';

/** What happened to one topic: its text, both reasoned queries, both rankings. */
export function TopicView({
  choice,
  params,
  topic,
}: {
  readonly choice: Choice;
  readonly params: URLSearchParams;
  readonly topic: string;
}) {
  const { pair, measure, digits } = choice;
  const { a, b, column } = pair!;
  const [runA, runB] = [a.runs.get(column.key)!, b?.runs.get(column.key)];
  const [ranks, setRanks] = useState(firstRanks);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    scrollTo(0, 0);
    heading.current?.focus();
    setRanks(firstRanks);
  }, [topic]);
  const loadedA = useTopic(runA, topic, ranks);
  const loadedB = useTopic(runB, topic, ranks);
  const [ofA, ofB] = [loadedA, loadedB].map((loaded) =>
    loaded.state === 'loaded' ? loaded.value : undefined,
  );
  const known = ofA ?? ofB;
  const text = ofA?.text ?? ofB?.text;
  const excluded = ofA?.excluded ?? ofB?.excluded;
  const sides = [
    { letter: 'A', system: a, run: runA, loaded: loadedA, own: ofA, other: ofB },
    ...(b && runB ? [{ letter: 'B', system: b, run: runB, loaded: loadedB, own: ofB, other: ofA }] : []),
  ];
  return (
    <article class="topic">
      <nav class="topic-nav" aria-label="Topics">
        <a href={changedHash(params, { topic: undefined })}>← All topics</a>
        {runB && <Neighbours choice={choice} params={params} topic={topic} runs={[runA, runB]} />}
      </nav>
      <h2 ref={heading as RefObject<HTMLHeadingElement>} tabIndex={-1}>
        Topic <Name>{topic}</Name>
      </h2>
      <p class="note">
        <Name>{column.key}</Name>
      </p>
      <section class="card" aria-label="The question">
        {known === undefined ? (
          <p class="note">…</p>
        ) : text === undefined ? (
          <p class="note">Its text was not saved, or cannot be read.</p>
        ) : (
          <p class="long" dir="auto">
            {text}
          </p>
        )}
      </section>
      <div class="sides">
        {sides.map(({ letter, system, run, loaded, own }) => (
          <section class="card" key={letter} aria-label={`System ${letter}`}>
            <h3>
              {letter} · <Name>{system.key}</Name>
            </h3>
            {own ? (
              <>
                <p>
                  {measureWords(measure).label} <strong>{written(own.measures[measure], digits)}</strong>
                  {letter === 'B' &&
                    ofA?.measures[measure] !== undefined &&
                    own.measures[measure] !== undefined &&
                    ` (${writtenDifference(own.measures[measure] - ofA.measures[measure], digits)})`}
                </p>
                <Reasoned topic={own} run={run} />
              </>
            ) : (
              <Waiting loaded={loaded} />
            )}
          </section>
        ))}
      </div>
      {known && <Relevant a={ofA} b={ofB} isPair={b !== undefined} />}
      <div class="sides">
        {sides.map(({ letter, system, own, other }) =>
          own ? (
            <Ranking
              key={letter}
              letter={letter}
              name={system.key}
              own={own}
              other={other}
              otherLetter={letter === 'A' ? 'B' : 'A'}
              more={ranks === firstRanks ? () => setRanks(mostRanks) : undefined}
            />
          ) : null,
        )}
      </div>
      {excluded && excluded.length > 0 && (
        <details>
          <summary>
            {count(excluded.length)} {excluded.length === 1 ? 'document' : 'documents'} removed from the
            ranking before it was measured
          </summary>
          <ul class="plain">
            {excluded.slice(0, mostRanks).map((id) => (
              <li key={id}>
                <Name>{id}</Name>
              </li>
            ))}
          </ul>
        </details>
      )}
    </article>
  );
}

function useTopic(run: SavedRun | undefined, topic: string, k: number): Loaded<TopicAnswer> {
  const [last, setLast] = useState<{ readonly of: string; readonly value: TopicAnswer }>();
  const of = JSON.stringify([run?.id, run?.created, topic]);
  const loaded = useLoaded(
    run &&
      (async (signal) => {
        const route = `${path('v1', 'runs', run.id, 'topics', topic)}?k=${k}`;
        const value = await ask<TopicAnswer>(route, undefined, { signal });
        setLast({ of, value });
        return value;
      }),
    [of, k],
  );
  // While more of the same is read, what is known stays.
  return loaded.state === 'loading' && last?.of === of ? { state: 'loaded', value: last.value } : loaded;
}

function Waiting({ loaded }: { readonly loaded: Loaded<TopicAnswer> }) {
  return loaded.state === 'failed' ? (
    <Failed error={loaded.error} again={loaded.again} />
  ) : (
    <Loading what="the topic" />
  );
}
