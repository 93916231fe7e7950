import { useState } from 'preact/hooks';
import type { SampleAnswer, SampledQuestion, SampleSteps } from '../../../../quern/src/train/watch/wire.ts';
import { barRange, Completion, Folded } from './completion.tsx';
import {
  completionOf,
  fixedQuestions,
  outcomeOf,
  type FixedQuestion,
  type Outcome,
} from './fixed-questions.ts';
import { samplesRoute, stepsOf } from './sampled.ts';
import { Stepper } from './stepper.tsx';
import { NotRead } from './not-read.tsx';
import { useKept } from './use-kept.ts';
import { sampleText, signedText } from './words.ts';

/** What the policy made of the same questions at the start, and makes of them now. */
export function Comparison({ run, steps }: { readonly run: string; readonly steps: SampleSteps }) {
  const kind = stepsOf(steps, 'validation').length > 0 ? 'validation' : 'training';
  const own = stepsOf(steps, kind);
  // Undefined: the newest.
  const [chosen, setChosen] = useState<number>();
  const later = own.slice(1);
  const place = chosen !== undefined && later.includes(chosen) ? later.indexOf(chosen) : later.length - 1;
  const start = own[0];
  const now = later[place];
  const first = useKept<SampleAnswer>(samplesRoute(run, kind, start));
  const latest = useKept<SampleAnswer>(samplesRoute(run, kind, now));
  const { error, again } = first.error ? first : latest;
  // Until the next ones have come, figures stand under the steps that they are of.
  const stepOf = (route: string | undefined): number | undefined =>
    own.find((step) => samplesRoute(run, kind, step) === route);
  const shown = [stepOf(first.of), stepOf(latest.of)] as const;
  const isThere = shown[0] !== undefined && shown[1] !== undefined;
  const pairs = isThere ? fixedQuestions(first.value?.questions ?? [], latest.value?.questions ?? []) : [];
  return (
    <section aria-labelledby="comparison">
      <h3 id="comparison">From the start to now</h3>
      {now === undefined && (
        <p class="note">
          There are samples of one step so far; with those of a second one they are compared.
        </p>
      )}
      {error && <NotRead what="These samples" error={error} again={again} />}
      {now !== undefined && (
        <>
          <form
            class="settings"
            aria-label="What is compared with the start"
            onSubmit={(event) => event.preventDefault()}
          >
            <Stepper
              label="Compared step"
              place={place}
              count={later.length}
              words={`step ${now}, with step ${start}`}
              hasSlider
              onMove={(to) => setChosen(to >= later.length - 1 ? undefined : later[to])}
            />
          </form>
          {isThere && pairs.length === 0 && !error && (
            <p class="note">
              No question of step {shown[0]} is one of step {shown[1]}: each step draws its own. A run with{' '}
              <code>eval_data</code> and <code>eval_steps</code> keeps what it makes of the same questions at
              each validation.
            </p>
          )}
          {pairs.length > 0 && (
            <div class={latest.isCurrent ? '' : 'stale'} aria-busy={!latest.isCurrent}>
              <Pairs pairs={pairs} start={shown[0]!} now={shown[1]!} />
            </div>
          )}
        </>
      )}
    </section>
  );
}

function Pairs({
  pairs,
  start,
  now,
}: {
  readonly pairs: readonly FixedQuestion[];
  readonly start: number;
  readonly now: number;
}) {
  const [question, setQuestion] = useState(0);
  const [which, setWhich] = useState<'best' | 'median'>('best');
  const at = Math.min(question, pairs.length - 1);
  const pair = pairs[at]!;
  const hasSeveral = pair.first.completions.length > 1 || pair.now.completions.length > 1;
  const range = barRange([...pair.first.completions, ...pair.now.completions]);
  return (
    <>
      <div class="wide" tabIndex={0} role="region" aria-label="What came of the questions">
        <table class="outcomes">
          <thead>
            <tr>
              <td />
              <th scope="col" class="number">
                step {start}
              </th>
              <th scope="col" class="number">
                step {now}
              </th>
              <th scope="col" class="number">
                change
              </th>
            </tr>
          </thead>
          <tbody>
            <Change
              title={pairs.length === 1 ? 'The question' : `These ${pairs.length} questions`}
              first={outcomeOf(pairs.map(({ first }) => first))}
              now={outcomeOf(pairs.map((each) => each.now))}
            />
            {pairs.length > 1 && (
              <Change title="This question" first={outcomeOf([pair.first])} now={outcomeOf([pair.now])} />
            )}
          </tbody>
        </table>
      </div>
      <form
        class="settings"
        aria-label="Which question is compared"
        onSubmit={(event) => event.preventDefault()}
      >
        <Stepper
          label="Compared question"
          place={at}
          count={pairs.length}
          words={`${at + 1} of ${pairs.length}`}
          onMove={setQuestion}
        />
        {hasSeveral && (
          <label>
            Completion{' '}
            <select
              value={which}
              onChange={(event) => setWhich(event.currentTarget.value === 'best' ? 'best' : 'median')}
            >
              <option value="best">with the highest reward</option>
              <option value="median">with the middle reward</option>
            </select>
          </label>
        )}
      </form>
      <div class="card question">
        <h4 class="note">Question</h4>
        <Folded key={pair.question} text={pair.question} />
      </div>
      <div class="pair">
        {(
          [
            ['Step', start, pair.first],
            ['Step', now, pair.now],
          ] as const
        ).map(([word, step, sampled]) => (
          <OneSide key={step} title={`${word} ${step}`} sampled={sampled} which={which} range={range} />
        ))}
      </div>
    </>
  );
}

function OneSide({
  title,
  sampled,
  which,
  range,
}: {
  readonly title: string;
  readonly sampled: SampledQuestion;
  readonly which: 'best' | 'median';
  readonly range: Parameters<typeof Completion>[0]['range'];
}) {
  const completion = completionOf(sampled, which);
  return (
    <section class="card" aria-label={title}>
      <h4>{title}</h4>
      {completion ? (
        <Completion key={completion.text} completion={completion} range={range} />
      ) : (
        <p class="note">There is no completion.</p>
      )}
    </section>
  );
}

function Change({
  title,
  first,
  now,
}: {
  readonly title: string;
  readonly first: Outcome;
  readonly now: Outcome;
}) {
  const rows = [
    ['mean reward', first.reward, now.reward],
    ['mean length (tokens)', first.length, now.length],
    ...(first.failed + now.failed > 0
      ? [['without a reasoned query', first.failed, now.failed] as const]
      : []),
  ] as const;
  return (
    <>
      {rows.map(([what, before, after]) => (
        <tr key={what}>
          <th scope="row">
            {title}: {what}
          </th>
          <td class="number">{before === undefined ? '–' : sampleText(before)}</td>
          <td class="number">{after === undefined ? '–' : sampleText(after)}</td>
          <td class="number">
            {before === undefined || after === undefined ? '–' : signedText(after - before)}
          </td>
        </tr>
      ))}
    </>
  );
}
