import { useState } from 'preact/hooks';
import type { SampleAnswer, SampledQuestion, SampleSteps } from '../../../../quern/src/train/watch/wire.ts';
import { completionOrders, ordered, type CompletionOrder } from './completion-order.ts';
import { barRange, Completion } from './completion.tsx';
import { samplesRoute, stepsOf, type SampleKind } from './sampled.ts';
import { Stepper } from './stepper.tsx';
import { NotRead } from './not-read.tsx';
import { useKept } from './use-kept.ts';

/** Samples of a run: one step and question at a time. At the newest step it goes along with the run. */
export function SampleBrowser({ run, steps }: { readonly run: string; readonly steps: SampleSteps }) {
  const kinds = (['training', 'validation'] as const).filter((each) => stepsOf(steps, each).length > 0);
  const [chosenKind, setKind] = useState<SampleKind>('training');
  const kind = kinds.includes(chosenKind) ? chosenKind : (kinds[0] ?? 'training');
  const own = stepsOf(steps, kind);
  // Undefined: the newest.
  const [chosenStep, setStep] = useState<number>();
  const place =
    chosenStep !== undefined && own.includes(chosenStep) ? own.indexOf(chosenStep) : own.length - 1;
  const [question, setQuestion] = useState(0);
  const [order, setOrder] = useState<CompletionOrder>('best');
  const { value, isCurrent, error, again } = useKept<SampleAnswer>(samplesRoute(run, kind, own[place]));
  const { questions = [], isCut = false, unreadable = 0 } = value ?? {};
  const at = Math.min(question, Math.max(questions.length - 1, 0));
  const notes = [
    ...(value && questions.length === 0 ? ['There are no samples in the file of this step.'] : []),
    ...(isCut ? ['The file is large, and only its beginning is shown.'] : []),
    ...(unreadable > 0 ? [`Lines that cannot be read: ${unreadable}.`] : []),
  ];
  return (
    <section aria-labelledby="completions">
      <h3 id="completions">Completions and their rewards</h3>
      <form
        class="settings"
        aria-label="Which samples are shown"
        onSubmit={(event) => event.preventDefault()}
      >
        {kinds.length > 1 && (
          <label>
            Of{' '}
            <select
              value={kind}
              onChange={(event) => {
                setKind(event.currentTarget.value === 'validation' ? 'validation' : 'training');
                setStep(undefined);
              }}
            >
              <option value="training">training</option>
              <option value="validation">validation</option>
            </select>
          </label>
        )}
        <Stepper
          label="Step"
          place={place}
          count={own.length}
          words={`step ${own[place] ?? '–'}`}
          hasSlider
          onMove={(to) => setStep(to >= own.length - 1 ? undefined : own[to])}
        />
        <Stepper
          label="Question"
          place={at}
          count={questions.length}
          words={questions.length === 0 ? '–' : `${at + 1} of ${questions.length}`}
          onMove={setQuestion}
        />
        <label>
          Order{' '}
          <select
            value={order}
            onChange={(event) =>
              setOrder(completionOrders.find(([name]) => name === event.currentTarget.value)![0])
            }
          >
            {completionOrders.map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </form>
      {error && <NotRead what="These samples" error={error} again={again} />}
      <p class="note" role="status">
        {notes.join(' ')}
      </p>
      <div class={isCurrent ? '' : 'stale'} aria-busy={!isCurrent}>
        {questions[at] && <Sample question={questions[at]} order={order} />}
      </div>
    </section>
  );
}

function Sample({
  question: { question, prompt, completions },
  order,
}: {
  readonly question: SampledQuestion;
  readonly order: CompletionOrder;
}) {
  const range = barRange(completions);
  return (
    <>
      <div class="card question">
        <h4 class="note">Question</h4>
        <p class="prose" dir="auto" tabIndex={0}>
          {question}
        </p>
        {prompt !== undefined && (
          <details>
            <summary>The prompt, as the model got it</summary>
            <pre dir="auto" tabIndex={0}>
              {prompt}
            </pre>
          </details>
        )}
      </div>
      <ol class="completions">
        {ordered(completions, order).map((completion, i) => (
          <li key={i} class="card">
            <Completion completion={completion} range={range} />
          </li>
        ))}
      </ol>
    </>
  );
}
