import { useMemo, useState } from 'preact/hooks';
import { count } from '../../parts/figures.ts';
import { Name } from './names.tsx';
import { moveOf, ranksOf } from './ranking-moves.ts';
import type { TopicAnswer } from './saved.ts';
import { mostRanks, shownRanks } from './topic-ranks.ts';

/** A run's ranking for a topic, and where the other run has its documents. */
export function Ranking({
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
