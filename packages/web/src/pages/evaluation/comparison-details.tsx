import { intervalText, pText, signed } from '../../../../quern/src/evaluate/report-words.ts';
import { decimal } from '../../../../quern/src/report/words.ts';
import { count } from '../../parts/figures.ts';
import type { Choice } from './choice.ts';
import { Name } from './names.tsx';
import type { ResultsTable } from './results-table.ts';

/** Every comparison of a table in full, as `quern compare` prints it. */
export function ComparisonDetails({
  choice,
  table,
}: {
  readonly choice: Choice;
  readonly table: ResultsTable;
}) {
  const rows = table.columns.flatMap((column, c) =>
    table.rows.flatMap(({ system, cells }) => {
      const { pair } = cells[c];
      return pair ? [{ column, system, pair }] : [];
    }),
  );
  if (rows.length === 0) return null;
  return (
    <details>
      <summary>Differences from the baseline, with tests</summary>
      <div class="wide" role="region" aria-label="Differences from the baseline" tabIndex={0}>
        <table>
          <caption class="hidden">
            Differences from {choice.baseline.key} in {choice.measure}
          </caption>
          <thead>
            <tr>
              <th scope="col">Collection</th>
              <th scope="col">System</th>
              <th scope="col" class="number">
                Topics
              </th>
              <th scope="col" class="number">
                Difference
              </th>
              <th scope="col" class="number">
                95 % interval
              </th>
              <th scope="col" class="number">
                p
              </th>
              <th scope="col" class="number">
                p, Holm
              </th>
              <th scope="col" class="number">
                t-test p
              </th>
              <th scope="col" class="number">
                t-test p, Holm
              </th>
              <th scope="col" class="number">
                d<sub>z</sub>
              </th>
              <th scope="col" class="number">
                Wins / ties / losses
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ column, system, pair }) => (
              <tr key={`${column.key} ${system.key}`}>
                <td>
                  <Name>{column.key}</Name>
                </td>
                <th scope="row">
                  <Name>{system.key}</Name>
                </th>
                <td class="number">{count(pair.topics)}</td>
                <td class="number">{signed(pair.difference, 4)}</td>
                <td class="number">{intervalText(pair.interval, 4)}</td>
                <td class="number">{pText(pair.randomisation.p)}</td>
                <td class="number">{pText(pair.adjusted.randomisation)}</td>
                <td class="number">{pText(pair.tTest.p)}</td>
                <td class="number">{pText(pair.adjusted.tTest)}</td>
                <td class="number">{pair.dz === null ? '–' : decimal(pair.dz, 2)}</td>
                <td class="number">
                  {count(pair.wins)} / {count(pair.ties)} / {count(pair.losses)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        p is of the randomisation test. Intervals (Student’s t) are each of one difference, not corrected. d
        <sub>z</sub> is the mean difference in standard deviations of the differences.
      </p>
    </details>
  );
}
