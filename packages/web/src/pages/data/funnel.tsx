import { stageWords } from '../../../../quern/src/curate/stage-words.ts';
import { count } from '../../parts/figures.ts';
import { share } from './share.ts';
import type { Stage } from './wire.ts';

const words: Readonly<Record<string, string>> = stageWords;

/** What each stage was given and left, as bars; and the same as a table. */
export function Funnel({ stages }: { readonly stages: readonly Stage[] }) {
  const read = stages[0]?.questionsIn ?? 0;
  return (
    <>
      <p class="legend note" aria-hidden="true">
        <span class="key kept" /> left <span class="key out" /> left out by this stage{' '}
        <span class="key before" /> left out before
      </p>
      <ol class="funnel">
        {stages.map((stage) => (
          <li key={stage.stage}>
            <p class="what">
              <strong>{stage.stage}</strong> <span>{words[stage.stage] ?? ''}</span>
            </p>
            <Bar stage={stage} read={read} />
            <p class="left">
              <strong>{count(stage.questionsOut)}</strong>{' '}
              <span>
                <span class="hidden">of {count(stage.questionsIn)} left, </span>
                {share(stage.questionsOut, read)}
                <span class="hidden"> of all</span>
              </span>
            </p>
            {Object.keys(stage.dropped).length > 0 && (
              <ul class="reasons" aria-label={`Left out by ${stage.stage}`}>
                {reasonsOf(stage).map(([reason, times]) => (
                  <li key={reason}>
                    {reason} <strong>{count(times)}</strong>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ol>
      <details>
        <summary>The same as a table</summary>
        <div class="wide" tabIndex={0} role="group" aria-label="Stages">
          <table>
            <thead>
              <tr>
                <th scope="col">Stage</th>
                <th scope="col" class="number">
                  In
                </th>
                <th scope="col" class="number">
                  Out
                </th>
                <th scope="col" class="number">
                  Kept
                </th>
                <th scope="col">Left out, and why</th>
              </tr>
            </thead>
            <tbody>
              {stages.map((stage) => (
                <tr key={stage.stage}>
                  <th scope="row">{stage.stage}</th>
                  <td class="number">{count(stage.questionsIn)}</td>
                  <td class="number">{count(stage.questionsOut)}</td>
                  <td class="number">{share(stage.questionsOut, stage.questionsIn)}</td>
                  <td>
                    {reasonsOf(stage)
                      .map(([reason, times]) => `${reason}: ${count(times)}`)
                      .join('; ') || '–'}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
      <Faults stages={stages} />
    </>
  );
}

/** The reasons of a stage, those first that most were left out for. */
function reasonsOf({ dropped }: Stage): [string, number][] {
  return Object.entries(dropped).sort(([, a], [, b]) => b - a);
}

function Bar({ stage, read }: { readonly stage: Stage; readonly read: number }) {
  const width = (questions: number): string => ((1000 * questions) / Math.max(1, read)).toFixed(2);
  return (
    <svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="before" width="1000" height="10" />
      <rect class="out" width={width(stage.questionsIn)} height="10" />
      <rect class="kept" width={width(stage.questionsOut)} height="10" />
    </svg>
  );
}

function Faults({ stages }: { readonly stages: readonly Stage[] }) {
  const faults = stages.flatMap(({ faults: own = [] }) => own);
  if (faults.length === 0) return null;
  return (
    <details>
      <summary>What was odd in the data, and passed over</summary>
      <div class="wide" tabIndex={0} role="group" aria-label="Faults">
        <table>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col" class="number">
                Times
              </th>
              <th scope="col">First at</th>
            </tr>
          </thead>
          <tbody>
            {faults.slice(0, 100).map(({ kind, count: times, places }, i) => (
              <tr key={i}>
                <th scope="row">{kind}</th>
                <td class="number">{count(times)}</td>
                <td>{places.join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
