import { measureWords, pText } from '../../../../quern/src/evaluate/report-words.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { count } from '../../parts/figures.ts';
import { saveFile } from '../../parts/save-file.ts';
import { sentence } from '../../parts/states.tsx';
import type { Choice } from './choice.ts';
import { costColumns } from './system-costs.ts';
import { fileName, headings, Name, Names } from './names.tsx';
import { resultsTable, type ResultCell, type ResultsTable } from './results-table.ts';
import { significanceOf } from './significance.ts';
import { tableCsv } from './table-csv.ts';
import { tableLatex } from './table-latex.ts';
import { TopicsButton } from './topics-button.tsx';
import type { MadePairs } from './use-made-pairs.ts';
import { ComparisonDetails } from './comparison-details.tsx';

/** The table of systems by collections, what its marks mean, and its downloads. */
export function ResultsView({ choice, pairs }: { readonly choice: Choice; readonly pairs: MadePairs }) {
  const { columns, measure, digits, baseline, family, systems } = choice;
  const table = resultsTable(choice, significanceOf(pairs.pairs, pairs.made, family));
  const words = measureWords(measure);
  const names = headings(columns.map(({ key }) => key));
  const latex = (): string =>
    tableLatex(table, { measure, digits, baseline: baseline.key, family, headings: names });
  return (
    <section aria-labelledby="results">
      <h2 id="results">
        {words.label}
        {digits === 1 && ' × 100'}
      </h2>
      {words.words !== '' && <p class="note">{sentence(words.words)}</p>}
      <Results choice={choice} table={table} names={names} label={words.label} />
      <Explanation choice={choice} table={table} pairs={pairs} />
      <p class="downloads">
        <button
          type="button"
          onClick={() =>
            saveFile(fileName('csv', 'evaluation', measure), tableCsv(table, measure), 'text/csv')
          }
        >
          Table as CSV
        </button>
        <TopicsButton systems={systems} columns={columns} measure={measure} />
        <button
          type="button"
          onClick={() => saveFile(fileName('tex', 'evaluation', measure), latex(), 'application/x-tex')}
        >
          Table as LaTeX
        </button>
        <CopyButton text={latex} label="Copy LaTeX" />
      </p>
      <ComparisonDetails choice={choice} table={table} />
    </section>
  );
}

function Results({
  choice,
  table,
  names,
  label,
}: {
  readonly choice: Choice;
  readonly table: ResultsTable;
  readonly names: readonly string[];
  readonly label: string;
}) {
  const { systems, columns, costs } = choice;
  const { rows, meanOver } = table;
  const costly = costs ? costColumns(systems, columns) : [];
  return (
    <div class="wide" role="region" aria-label={`${label} of systems by collection`} tabIndex={0}>
      <table class="results">
        <caption class="hidden">
          {label} of {count(systems.length)} systems by collection. The first row is the baseline.
        </caption>
        <thead>
          <tr>
            <th scope="col">System</th>
            {columns.map(({ key, topics }, i) => (
              <th scope="col" class="number" key={key} title={key}>
                <Name>{names[i]}</Name>
                <span class="note">{count(topics)} topics</span>
              </th>
            ))}
            {meanOver.length > 0 && (
              <th scope="col" class="number mean">
                Mean
                <span class="note">
                  {meanOver.length === columns.length ? 'of all' : 'of'} {count(meanOver.length)}
                </span>
              </th>
            )}
            {costly.map(({ title, unit }) => (
              <th scope="col" class="number cost" key={title}>
                {title}
                <span class="note">{unit}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ system, isBaseline, cells, mean }, r) => (
            <tr key={system.key} class={isBaseline ? 'baseline' : undefined}>
              <th scope="row">
                <Name>{system.key}</Name>
                {isBaseline && <span class="tag">baseline</span>}
              </th>
              {cells.map((cell, i) => (
                <Value key={columns[i].key} cell={cell} />
              ))}
              {mean && <Value cell={mean} isMean />}
              {costly.map(({ title, values }) => (
                <td class="number cost" key={title}>
                  {values[r]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Value({ cell, isMean = false }: { readonly cell: ResultCell; readonly isMean?: boolean }) {
  const { text, standing, mark, pair, value } = cell;
  const said = standing === 'best' ? ', best' : standing === 'second' ? ', second' : '';
  const difference = mark === '†' ? 'better' : 'worse';
  const title = pair
    ? `p = ${pText(pair.adjusted.randomisation)} (Holm, of ${pair.family}), ${pair.topics} topics`
    : undefined;
  return (
    <td class={isMean ? 'number mean' : 'number'} title={title}>
      {standing === 'best' ? <strong>{text}</strong> : standing === 'second' ? <u>{text}</u> : text}
      {value === undefined && <span class="hidden">no run</span>}
      {said !== '' && <span class="hidden">{said}</span>}
      <sup aria-hidden="true">{mark}</sup>
      {mark !== '' && <span class="hidden">, significantly {difference} than the baseline</span>}
    </td>
  );
}

function Explanation({
  choice,
  table,
  pairs,
}: {
  readonly choice: Choice;
  readonly table: ResultsTable;
  readonly pairs: MadePairs;
}) {
  const { baseline, columns, family, costs } = choice;
  const { meanOver, leftOut } = table;
  const untested = columns.filter(({ key }) => !baseline.runs.has(key));
  const depths = new Set(
    table.rows.flatMap(({ cells }) => cells.flatMap(({ run }) => (run === undefined ? [] : [run.k]))),
  );
  const total = pairs.pairs.length;
  return (
    <div class="explanation">
      {total > 0 && pairs.done < total && (
        <p role="status">
          Comparing topic by topic: {count(pairs.done)} of {count(total)} …
        </p>
      )}
      {total > 0 && (
        <p>
          † significantly better, ‡ significantly worse than <Name>{baseline.key}</Name>: paired two-sided
          randomisation test over the topics of the collection, p below 0.05 after Holm’s correction over{' '}
          {family === 'table'
            ? `all ${count(total - pairs.failed.length)} comparisons of this table`
            : 'the comparisons of the same collection, the very numbers of quern compare'}
          . No mark: no difference was shown.{meanOver.length > 0 && ' The mean is not tested.'}
        </p>
      )}
      <p>
        The best of a column is bold, the second best underlined, as rounded here.
        {meanOver.length > 0 && ' The mean counts each collection the same, however many topics it has.'}
      </p>
      {leftOut.length > 0 && columns.length > 1 && (
        <div class="missing">
          <p>
            {meanOver.length > 0
              ? `The mean leaves out what not all systems have:`
              : 'There is no mean, as fewer than two collections have values of all systems:'}
          </p>
          <ul>
            {leftOut.map(({ column, without }) => (
              <li key={column.key}>
                <Name>{column.key}</Name>, without <Names of={without.map(({ key }) => key)} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {untested.length > 0 && (
        <p>
          Not tested, as the baseline has no run there: <Names of={untested.map(({ key }) => key)} />.
        </p>
      )}
      {costs && (
        <p>
          Times are of the machines that evaluated, where the runs were saved. Time of reasoning, tokens and
          cost are of these evaluations: a reasoned query that was recorded before counts nothing.
        </p>
      )}
      {depths.size > 1 && (
        <p>
          Rankings were cut at different ranks (
          {[...depths]
            .sort((a, b) => a - b)
            .map(count)
            .join(', ')}
          ): measures that look deeper than the least of them are not alike.
        </p>
      )}
      {pairs.failed.length > 0 && (
        <div role="alert">
          <p>Some comparisons could not be made:</p>
          <ul>
            {pairs.failed.map(({ pair: { system, column }, error }) => (
              <li key={`${system.key} ${column.key}`}>
                <Name>{system.key}</Name> on <Name>{column.key}</Name>: {sentence(error.message)}
              </li>
            ))}
          </ul>
          <button type="button" onClick={pairs.again}>
            Try again
          </button>
        </div>
      )}
    </div>
  );
}
