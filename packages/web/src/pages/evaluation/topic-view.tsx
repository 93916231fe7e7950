import type { RefObject } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { finishWords, measureWords } from '../../../../quern/src/evaluate/report-words.ts';
import { count, duration, money } from '../../parts/figures.ts';
import { Failed, Loading } from '../../parts/states.tsx';
import { ask, path } from '../../service/client.ts';
import { useLoaded, type Loaded } from '../../service/use-answer.ts';
import { changedHash } from './address.ts';
import type { Choice } from './choice.ts';
import { listedTopics } from './listed-topics.ts';
import { Name } from './names.tsx';
import { writtenDifference } from './pair-words.ts';
import { moveOf, ranksOf, relevantDocuments } from './ranking-moves.ts';
import { written } from './results-table.ts';
import type { SavedRun, TopicAnswer } from './saved.ts';
import { topicPairs, topicValues } from './topic-values.ts';

/** Ranks that are read first, and those that are read when more is asked for. */
const firstRanks = 100;
const mostRanks = 1000;
/** Ranks that are shown first. */
const shownRanks = 20;

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

/** The topics before and after in the list, as it is ordered and narrowed. */
function Neighbours({
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
      {before && <a href={changedHash(params, { topic: before.id })}>Before</a>}
      {after && <a href={changedHash(params, { topic: after.id })}>Next</a>}
    </>
  );
}

function Reasoned({ topic, run }: { readonly topic: TopicAnswer; readonly run: SavedRun }) {
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

function Relevant({
  a,
  b,
  isPair,
}: {
  readonly a: TopicAnswer | undefined;
  readonly b: TopicAnswer | undefined;
  readonly isPair: boolean;
}) {
  const documents = useMemo(() => relevantDocuments(a ?? { relevant: [] }, b ?? { relevant: [] }), [a, b]);
  const shown = documents.slice(0, mostRanks);
  return (
    <section aria-label="Relevant documents">
      <h3>
        {documents.length === 1 ? '1 relevant document' : `${count(documents.length)} relevant documents`}
      </h3>
      {documents.length === 0 ? (
        <p class="note">No document was judged relevant, so that every ranking measures 0.</p>
      ) : (
        <div class="wide relevant" role="region" aria-label="Ranks of the relevant documents" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Document</th>
                <th scope="col" class="number">
                  Level
                </th>
                <th scope="col" class="number">
                  Rank in A
                </th>
                {isPair && (
                  <>
                    <th scope="col" class="number">
                      Rank in B
                    </th>
                    <th scope="col">Moved</th>
                  </>
                )}
              </tr>
            </thead>
            <tbody>
              {shown.map((document) => (
                <tr key={document.id}>
                  <th scope="row">
                    <Name>{document.id}</Name>
                  </th>
                  <td class="number">{document.level}</td>
                  <td class="number">{document.a === undefined ? '–' : count(document.a)}</td>
                  {isPair && (
                    <>
                      <td class="number">{document.b === undefined ? '–' : count(document.b)}</td>
                      <td class={`move move-${document.side}`}>{a && b ? document.words : ''}</td>
                    </>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {documents.length > shown.length && (
        <p class="note">And {count(documents.length - shown.length)} more.</p>
      )}
    </section>
  );
}

function Ranking({
  letter,
  name,
  own,
  other,
  otherLetter,
  more,
}: {
  readonly letter: string;
  readonly name: string;
  readonly own: TopicAnswer;
  readonly other: TopicAnswer | undefined;
  readonly otherLetter: string;
  readonly more: (() => void) | undefined;
}) {
  const [isWhole, setWhole] = useState(false);
  const ranks = useMemo(() => other && ranksOf(other), [other]);
  const shown = isWhole ? own.ranking : own.ranking.slice(0, shownRanks);
  const label = `Ranking ${letter}`;
  // A is where it comes from, B where it goes.
  const direction = letter === 'A' ? 'to' : 'from';
  return (
    <section aria-label={label} class="ranking">
      <h3>
        Ranking {letter} · <Name>{name}</Name>
      </h3>
      {own.retrieved === 0 ? (
        <p class="note">Nothing was found, or the run has no lines of this topic.</p>
      ) : (
        <div class="wide" role="region" aria-label={`${label}, documents`} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">
                  Rank
                </th>
                <th scope="col">Document</th>
                <th scope="col">Judged</th>
                {other && (
                  <th scope="col">{direction === 'to' ? `In ${otherLetter}` : `Against ${otherLetter}`}</th>
                )}
                <th scope="col" class="number">
                  Score
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ id, rank, score, level }) => {
                const move = other && moveOf(rank, ranks?.get(id), other, direction);
                return (
                  <tr key={id} class={level !== undefined && level > 0 ? 'is-relevant' : undefined}>
                    <td class="number">{rank}</td>
                    <th scope="row">
                      <Name>{id}</Name>
                    </th>
                    <td>
                      {level === undefined ? (
                        <span class="note">unjudged</span>
                      ) : level > 0 ? (
                        <span class="level">relevant, {level}</span>
                      ) : (
                        'not relevant'
                      )}
                    </td>
                    {move && (
                      <td class={`move move-${move.side}`}>
                        {move.words}
                        {move.otherRank !== undefined && move.side !== 'same' && (
                          <span class="note">
                            {' '}
                            {direction} {count(move.otherRank)}
                          </span>
                        )}
                      </td>
                    )}
                    <td class="number">{Number(score.toPrecision(6))}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {shown.length < own.ranking.length ? (
        <button type="button" class="quiet" onClick={() => setWhole(true)}>
          Show to rank {count(own.ranking.length)}
        </button>
      ) : (
        more &&
        own.retrieved > own.ranking.length && (
          <button type="button" class="quiet" onClick={more}>
            Read to rank {count(Math.min(mostRanks, own.retrieved))}
          </button>
        )
      )}
      <p class="note">
        {count(own.retrieved)} {own.retrieved === 1 ? 'document' : 'documents'} retrieved
      </p>
    </section>
  );
}
