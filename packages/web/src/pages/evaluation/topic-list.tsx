import { useEffect, useMemo } from 'preact/hooks';
import { count } from '../../parts/figures.ts';
import { change, changedHash } from './address.ts';
import { listText, type Choice } from './choice.ts';
import { listedTopics, topicsAPage } from './listed-topics.ts';
import { Name } from './names.tsx';
import { writtenDifference } from './pair-words.ts';
import { written } from './results-table.ts';
import type { TopicPair } from './topic-values.ts';

/** The topics as a list that the keyboard reaches: each leads to what happened to it. */
export function TopicList({
  choice,
  params,
  pairs,
  names: [a, b],
  onPoint,
  left,
}: {
  readonly left: string | undefined;
  readonly choice: Choice;
  readonly params: URLSearchParams;
  readonly pairs: readonly TopicPair[];
  readonly names: readonly [string, string | undefined];
  readonly onPoint: (topic: string | undefined) => void;
}) {
  const { order, only, find, digits } = choice;
  const listed = useMemo(() => listedTopics(pairs, choice), [pairs, order, only, find]);
  const pages = Math.max(1, Math.ceil(listed.length / topicsAPage));
  const page = Math.min(choice.page, pages);
  const shown = listed.slice((page - 1) * topicsAPage, page * topicsAPage);
  useEffect(() => {
    // Who comes back from a topic goes on where it was left.
    if (left !== undefined) document.getElementById(`topic ${left}`)?.focus();
  }, []);
  // Who is sent the address of a topic sees the same pair, whatever came since.
  const { pair: shownPair } = choice;
  const told = {
    a: shownPair && listText([shownPair.a.key]),
    b: shownPair?.b && listText([shownPair.b.key]),
    on: shownPair && listText([shownPair.column.key]),
  };
  const turn = (to: number): void => change(params, { page: to === 1 ? undefined : String(to) });
  return (
    <div class="topic-list">
      <div class="chooser">
        <label>
          Find a topic
          <input
            type="search"
            value={find}
            onInput={(event) => change(params, { find: event.currentTarget.value, page: undefined })}
          />
        </label>
        {b !== undefined && (
          <>
            <label>
              Which
              <select
                value={only}
                onChange={(event) => change(params, { only: event.currentTarget.value, page: undefined })}
              >
                <option value="all">All</option>
                <option value="wins">B better</option>
                <option value="ties">The same</option>
                <option value="losses">B worse</option>
              </select>
            </label>
            <label>
              Order
              <select
                value={order}
                onChange={(event) => change(params, { order: event.currentTarget.value, page: undefined })}
              >
                <option value="gain">Largest gain first</option>
                <option value="loss">Largest loss first</option>
                <option value="topic">By topic</option>
              </select>
            </label>
          </>
        )}
        <p class="note" role="status">
          {count(listed.length)} {listed.length === 1 ? 'topic' : 'topics'}
        </p>
      </div>
      {shown.length > 0 && (
        <div class="wide" role="region" aria-label="Topics" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Topic</th>
                <th scope="col" class="number">
                  A <Name>{a}</Name>
                </th>
                {b !== undefined && (
                  <>
                    <th scope="col" class="number">
                      B <Name>{b}</Name>
                    </th>
                    <th scope="col" class="number">
                      Difference
                    </th>
                  </>
                )}
              </tr>
            </thead>
            <tbody>
              {shown.map((pair) => (
                <tr
                  key={pair.id}
                  onPointerEnter={() => onPoint(pair.id)}
                  onPointerLeave={() => onPoint(undefined)}
                >
                  <th scope="row">
                    <a
                      id={`topic ${pair.id}`}
                      href={changedHash(params, { ...told, topic: pair.id })}
                      onFocus={() => onPoint(pair.id)}
                      onBlur={() => onPoint(undefined)}
                    >
                      <Name>{pair.id}</Name>
                    </a>
                  </th>
                  <td class="number">{written(pair.a, digits)}</td>
                  {b !== undefined && (
                    <>
                      <td class="number">{written(pair.b, digits)}</td>
                      <td class={`number ${pair.difference > 0 ? 'win' : pair.difference < 0 ? 'loss' : ''}`}>
                        {writtenDifference(pair.difference, digits)}
                      </td>
                    </>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages > 1 && (
        <p class="turning">
          <button type="button" disabled={page === 1} onClick={() => turn(page - 1)}>
            Before
          </button>
          <span>
            Page {count(page)} of {count(pages)}
          </span>
          <button type="button" disabled={page === pages} onClick={() => turn(page + 1)}>
            Next
          </button>
        </p>
      )}
    </div>
  );
}
