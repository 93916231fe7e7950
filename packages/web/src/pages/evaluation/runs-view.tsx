import { useState } from 'preact/hooks';
import { count } from '../../parts/figures.ts';
import { saveFile } from '../../parts/save-file.ts';
import { sentence } from '../../parts/states.tsx';
import { askFile, path } from '../../service/client.ts';
import type { Choice } from './choice.ts';
import { fileName, Name } from './names.tsx';
import type { DamagedRun, SavedRun } from './saved.ts';

/** The runs that are shown, how each was made, and its rankings as a TREC run. */
export function RunsView({ choice: { systems, columns } }: { readonly choice: Choice }) {
  const rows = systems.flatMap((system) =>
    columns.flatMap((column) => {
      const run = system.runs.get(column.key);
      return run ? [{ system, column, run }] : [];
    }),
  );
  return (
    <details>
      <summary>The {count(rows.length)} runs, how they were made, and their TREC files</summary>
      <div class="wide" role="region" aria-label="Runs" tabIndex={0}>
        <table class="runs">
          <thead>
            <tr>
              <th scope="col">System</th>
              <th scope="col">Collection</th>
              <th scope="col">TREC run</th>
              <th scope="col">Folder</th>
              <th scope="col">Reasoner</th>
              <th scope="col">Retriever</th>
              <th scope="col">Joined by</th>
              <th scope="col">Analyzer</th>
              <th scope="col" class="number">
                k1, b
              </th>
              <th scope="col" class="number">
                k
              </th>
              <th scope="col">Judgements</th>
              <th scope="col">Saved</th>
              <th scope="col">Quern</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ system, column, run }) => (
              <tr key={run.id}>
                <th scope="row">
                  <Name>{system.key}</Name>
                </th>
                <td>
                  <Name>{column.key}</Name>
                </td>
                <td>
                  <TrecButton run={run} />
                </td>
                <td>
                  <Name>{run.name}</Name>
                </td>
                <td>
                  <Name>{run.reasoner}</Name>
                </td>
                <td>
                  <Name>{run.retriever}</Name>
                </td>
                <td>
                  <Name>{run.combine}</Name>
                </td>
                <td>
                  <Name>{run.analyzer}</Name>
                </td>
                <td class="number">
                  {run.parameters.k1}, {run.parameters.b}
                </td>
                <td class="number">{count(run.k)}</td>
                <td>
                  <Name>{run.judgements}</Name>
                </td>
                <td>
                  <time dateTime={run.created}>{run.created.slice(0, 16).replace('T', ' ')}</time>
                </td>
                <td>
                  <Name>{run.quern}</Name>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function TrecButton({ run }: { readonly run: SavedRun }) {
  const [said, setSaid] = useState('');
  const save = async (): Promise<void> => {
    setSaid('…');
    try {
      const file = await askFile(path('v1', 'runs', run.id, 'run.trec'));
      saveFile(fileName('trec', run.run, run.collection), file);
      setSaid('');
    } catch (error) {
      setSaid(sentence((error as Error).message));
    }
  };
  return (
    <>
      <button
        type="button"
        class="quiet"
        aria-label={`TREC run of ${run.run} on ${run.collection}`}
        onClick={() => void save()}
      >
        run.trec
      </button>{' '}
      <span class="note" role="status">
        {said}
      </span>
    </>
  );
}

/** Runs that cannot be read, and why. */
export function DamagedRuns({ runs }: { readonly runs: readonly DamagedRun[] }) {
  if (runs.length === 0) return null;
  return (
    <details class="damaged">
      <summary>
        {count(runs.length)} {runs.length === 1 ? 'evaluation' : 'evaluations'} cannot be read
      </summary>
      <ul>
        {runs.slice(0, 100).map(({ id, name, problem }) => (
          <li key={id}>
            <Name>{name}</Name>: {problem}
          </li>
        ))}
        {runs.length > 100 && <li>And {count(runs.length - 100)} more.</li>}
      </ul>
    </details>
  );
}
