import { useState } from 'preact/hooks';
import { measureWords } from '../../../../quern/src/evaluate/report-words.ts';
import { count } from '../../parts/figures.ts';
import { change } from './address.ts';
import { listText, type Choice } from './choice.ts';
import { Name } from './names.tsx';
import type { Gathered } from './systems.ts';

/** Boxes of a list that are drawn at a time. */
const mostShown = 100;

/** Chooses what is compared, and how it is written. */
export function Chooser({
  choice,
  of,
  params,
}: {
  readonly choice: Choice;
  readonly of: Gathered;
  readonly params: URLSearchParams;
}) {
  const { columns, systems, baseline, measures, measure, digits, costs, family } = choice;
  const topics = new Map(of.columns.map((column) => [column.key, `${count(column.topics)} topics`]));
  const runs = new Map(
    of.systems.map((system) => {
      const having = columns.filter(({ key }) => system.runs.has(key)).length;
      return [
        system.key,
        columns.length === 1 ? (having === 1 ? '' : 'not here') : `${having} of ${columns.length}`,
      ];
    }),
  );
  return (
    <section class="card chooser" aria-label="What is compared">
      <Several
        title="Collections"
        name="collections"
        all={of.columns.map(({ key }) => key)}
        chosen={columns.map(({ key }) => key)}
        note={(key) => topics.get(key)!}
        params={params}
      />
      <Several
        title="Systems"
        name="systems"
        all={of.systems.map(({ key }) => key)}
        chosen={systems.map(({ key }) => key)}
        note={(key) => runs.get(key)!}
        params={params}
      />
      <label>
        Baseline
        <select
          value={baseline.key}
          onChange={(event) => change(params, { baseline: listText([event.currentTarget.value]) })}
        >
          {systems.map(({ key }) => (
            <option key={key} value={key}>
              {key}
            </option>
          ))}
        </select>
      </label>
      <label>
        Measure
        <select value={measure} onChange={(event) => change(params, { measure: event.currentTarget.value })}>
          {measures.map((name) => (
            <option key={name} value={name}>
              {measureWords(name).label}
            </option>
          ))}
        </select>
      </label>
      <label>
        Values
        <select
          value={String(digits)}
          onChange={(event) =>
            change(params, { digits: event.currentTarget.value === '4' ? '4' : undefined })
          }
        >
          <option value="1">× 100, one decimal</option>
          <option value="4">Four decimals</option>
        </select>
      </label>
      <label>
        p is corrected over
        <select
          value={family}
          onChange={(event) =>
            change(params, { family: event.currentTarget.value === 'table' ? 'table' : undefined })
          }
        >
          <option value="column">each collection</option>
          <option value="table">the whole table</option>
        </select>
      </label>
      <label class="tick">
        <input
          type="checkbox"
          checked={costs}
          onChange={(event) => change(params, { costs: event.currentTarget.checked ? 'yes' : undefined })}
        />
        Time and cost
      </label>
    </section>
  );
}

function Several({
  title,
  name,
  all,
  chosen,
  note,
  params,
}: {
  readonly title: string;
  readonly name: 'collections' | 'systems';
  readonly all: readonly string[];
  readonly chosen: readonly string[];
  readonly note: (key: string) => string;
  readonly params: URLSearchParams;
}) {
  const [find, setFind] = useState('');
  const [isOpen, setOpen] = useState(false);
  const isChosen = new Set(chosen);
  const choose = (keys: readonly string[]): void => change(params, { [name]: listText(keys) });
  const wanted = find.trim().toLowerCase();
  const found = all.filter((key) => key.toLowerCase().includes(wanted));
  return (
    <details class="several" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {title}{' '}
        <span class="note">
          {count(chosen.length)} of {count(all.length)}
        </span>
      </summary>
      {isOpen && (
        <fieldset>
          <legend class="hidden">{title}</legend>
          {all.length > 10 && (
            <input
              type="search"
              aria-label={`Find ${title.toLowerCase()}`}
              placeholder="Find"
              value={find}
              onInput={(event) => setFind(event.currentTarget.value)}
            />
          )}
          <ul>
            {found.slice(0, mostShown).map((key) => (
              <li key={key}>
                <label>
                  <input
                    type="checkbox"
                    checked={isChosen.has(key)}
                    disabled={isChosen.has(key) && chosen.length === 1}
                    onChange={(event) =>
                      choose(
                        event.currentTarget.checked
                          ? all.filter((each) => isChosen.has(each) || each === key)
                          : chosen.filter((each) => each !== key),
                      )
                    }
                  />
                  <span>
                    <Name>{key}</Name> <span class="note">{note(key)}</span>
                  </span>
                </label>
              </li>
            ))}
          </ul>
          {found.length > mostShown && (
            <p class="note">And {count(found.length - mostShown)} more: find them by a part of their name.</p>
          )}
          {found.length === 0 && <p class="note">None has this in its name.</p>}
          <p class="several-buttons">
            <button
              type="button"
              class="quiet"
              disabled={found.length === 0 || found.length > mostShown}
              onClick={() => choose(found)}
            >
              {wanted === '' ? 'All' : 'These alone'}
            </button>
            <button type="button" class="quiet" onClick={() => change(params, { [name]: undefined })}>
              As at first
            </button>
          </p>
        </fieldset>
      )}
    </details>
  );
}
