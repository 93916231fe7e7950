import { count } from '../../parts/figures.ts';
import { bins } from './bins.ts';
import type { Histogram, SetAnswer } from './wire.ts';

/** How lengths and scores are spread. A score is made of votes, or of what questions of one's own call a score. */
export function Histograms({
  of,
  sources,
}: {
  readonly of: NonNullable<SetAnswer['record']['histograms']>;
  readonly sources: SetAnswer['record']['sources'];
}) {
  const isVoted = sources.some(({ kind }) => kind === 'dump' || kind === 'preferences');
  return (
    <div class="histograms">
      <Bars title="Questions, by characters" of={of.question} />
      <Bars title="Positives, by characters" of={of.positive} />
      <Bars title="Questions, by their positives" of={of.positives} />
      <Bars
        title="Positives, by score"
        of={of.score}
        note={`log2 of 1 + ${isVoted ? 'votes' : 'score'}, rounded; 1 more if accepted`}
      />
    </div>
  );
}

function Bars({
  title,
  of,
  note,
}: {
  readonly title: string;
  readonly of: Histogram;
  readonly note?: string;
}) {
  const rows = bins(of);
  if (rows.length === 0) return null;
  const most = Math.max(...rows.map(({ times }) => times));
  return (
    <table class="histogram">
      <caption>
        {title}
        {note !== undefined && <span class="note"> ({note})</span>}
      </caption>
      <thead class="hidden">
        <tr>
          <th scope="col">From, to</th>
          <td />
          <th scope="col">How many</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ range, times }) => (
          <tr key={range}>
            <th scope="row">{range}</th>
            <td class="drawn">
              <svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
                <rect class="counted" width={(1000 * times) / most} height="10" />
              </svg>
            </td>
            <td class="number">{count(times)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
