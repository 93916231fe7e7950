import { alarmKinds, type Alarm } from './alarm.ts';
import { thresholds } from './alarm-thresholds.ts';
import { lookedFor } from './looked-for.ts';

/** A run with its alarms. */
export interface AlarmedRun {
  readonly id: string;
  readonly name: string;
  readonly alarms: readonly Alarm[];
  /** How many lines of metrics it has. */
  readonly lines: number;
}

/** What goes wrong with the runs that are shown, and what is looked for. */
export function AlarmList({ runs }: { readonly runs: readonly AlarmedRun[] }) {
  const alarming = runs.filter(({ alarms }) => alarms.length > 0);
  return (
    <section class="alarms" aria-labelledby="alarms">
      <h2 id="alarms">Alarms</h2>
      {/* It is there from the start, so that what comes into it is read out. */}
      <div role="status">
        {alarming.length === 0 && <NoAlarms runs={runs} />}
        {alarming.map(({ id, name, alarms }) => (
          <ul key={id} aria-label={`Alarms of ${name}`}>
            {alarms.map(({ kind, title, step, figures, advice }) => (
              <li key={kind} class="alarm">
                <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
                  <path d="M12 2 1 21h22z" />
                  <path d="M12 9v6" class="stroke" />
                  <circle cx="12" cy="18" r="1.2" class="dot" />
                </svg>
                <div>
                  <p class="alarm-title">
                    <strong>{title}</strong>{' '}
                    <span class="note">
                      since step {step}
                      {runs.length > 1 && (
                        <>
                          , <bdi>{name}</bdi>
                        </>
                      )}
                    </span>
                  </p>
                  <p>{sentenceOf(figures)}</p>
                  <p class="advice">{advice}</p>
                </div>
              </li>
            ))}
          </ul>
        ))}
      </div>
      <details>
        <summary>What is looked for</summary>
        <ul>
          {alarmKinds.map((kind) => (
            <li key={kind}>{sentenceOf(lookedFor[kind])}</li>
          ))}
        </ul>
        <p class="note">
          Figures are means of the last five steps, so that chance is no alarm. An alarm goes when what it is
          for does; numbers that are none stay told.
        </p>
      </details>
    </section>
  );
}

/** That nothing looks wrong, as far as there is enough to tell by. */
function NoAlarms({ runs }: { readonly runs: readonly AlarmedRun[] }) {
  const most = 2 * thresholds.recent;
  const least = Math.min(...runs.map(({ lines }) => lines));
  const these = runs.length === 1 ? 'this run' : 'these runs';
  if (least >= most) {
    return (
      <p class="no-alarms">
        <span aria-hidden="true">✓</span> Nothing looks wrong with {these}.
      </p>
    );
  }
  return (
    <p>
      Nothing looks wrong with {these} so far. Most alarms compare the last {thresholds.recent} steps with the
      first {thresholds.recent}, and there are {runs.length === 1 ? '' : 'as few as '}
      {least}.
    </p>
  );
}

function sentenceOf(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
