import { useState } from 'preact/hooks';
import { Failed, Loading } from '../../parts/states.tsx';
import { count } from '../../parts/figures.ts';
import { path } from '../../service/client.ts';
import { useAnswer } from '../../service/use-answer.ts';

interface QuestionsAnswer {
  readonly total: number;
  readonly questions: readonly { readonly id?: string; readonly text: string }[];
}

function route(index: string, from: number, limit: number): string {
  return `${path('v1', 'indexes', index, 'questions')}?from=${from}&limit=${limit}`;
}

/** A few of an index's questions, to begin with. */
export function FirstPicks({ index, pick }: { readonly index: string; pick(question: string): void }) {
  const loaded = useAnswer<QuestionsAnswer>(route(index, 0, 3));
  if (loaded.state !== 'loaded' || loaded.value.questions.length === 0) return null;
  return (
    <>
      <p class="note">Or begin with one of these:</p>
      <QuestionList questions={loaded.value.questions} pick={pick} />
    </>
  );
}

const onePage = 8;

/** All of an index's questions, in pages, to pick one. */
export function Picks({ index, pick }: { readonly index: string; pick(question: string): void }) {
  const [from, turn] = useState(0);
  const loaded = useAnswer<QuestionsAnswer>(route(index, from, onePage));
  if (loaded.state === 'loading') return <Loading what="questions" />;
  if (loaded.state === 'failed') return <Failed error={loaded.error} again={loaded.again} />;
  const { total, questions } = loaded.value;
  const last = from + questions.length;
  return (
    <div class="picks">
      <QuestionList questions={questions} pick={pick} />
      <p class="pages">
        <button type="button" disabled={from === 0} onClick={() => turn(Math.max(0, from - onePage))}>
          Previous
        </button>
        <span class="note">
          {count(from + 1)} to {count(last)} of {count(total)}
        </span>
        <button type="button" disabled={last >= total} onClick={() => turn(last)}>
          Next
        </button>
      </p>
    </div>
  );
}

function QuestionList({
  questions,
  pick,
}: {
  readonly questions: QuestionsAnswer['questions'];
  pick(question: string): void;
}) {
  return (
    <ul class="questions">
      {questions.map(({ id, text }, i) => (
        <li key={id ?? i}>
          <button type="button" class="question" dir="auto" onClick={() => pick(text)}>
            {text}
          </button>
        </li>
      ))}
    </ul>
  );
}
