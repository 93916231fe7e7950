import { useEffect, useState } from 'preact/hooks';
import { hashOf, replaceAddress } from '../../address.ts';
import { paramsOf, type Choices, type Served } from './choices.ts';
import { FirstPicks, Picks } from './picks.tsx';
import { QuestionForm } from './question-form.tsx';
import { Switches } from './switches.tsx';
import { useSearch } from './use-search.ts';
import { Found } from './found.tsx';

/** The form, and under it what was found. */
export function Playground({ served, choices }: { readonly served: Served; readonly choices: Choices }) {
  const { question, index, reasoner } = choices;
  const isAsked = question.trim() !== '';
  const { search, stop, again } = useSearch(isAsked ? choices : undefined, JSON.stringify(choices));
  const isAsking = search.with.progress === 'asking' || search.without.progress === 'asking';
  const described = served.indexes.find(({ name }) => name === index);
  useEffect(() => {
    if (!isAsking) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') stop();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [isAsking]);
  const isRecorded = served.config.declared?.reasoners[reasoner]?.startsWith('file:');
  const [isPicking, setPicking] = useState(false);
  const ask = (text: string): void => {
    setPicking(false);
    const hash = hashOf('', paramsOf({ ...choices, question: text }));
    // The same once more is asked again; anything else is a step in the history.
    if (hash === location.hash) again();
    else location.hash = hash;
  };
  return (
    <>
      <section class="card form" aria-label="What to ask">
        <QuestionForm
          asked={question}
          limit={served.config.limits.query}
          isAsking={isAsking}
          ask={ask}
          stop={stop}
        >
          {described?.hasQuestions && (
            <button
              type="button"
              class="quiet"
              aria-expanded={isPicking}
              aria-controls="picks"
              onClick={() => setPicking(!isPicking)}
            >
              {isPicking ? 'Close' : 'Pick one'}
            </button>
          )}
        </QuestionForm>
        <div id="picks" hidden={!isPicking}>
          {isPicking && described?.hasQuestions && <Picks key={index} index={index} pick={ask} />}
        </div>
        <Switches
          choices={choices}
          served={served}
          hasGate={search.with.watched.answer?.gate !== undefined}
          change={(part) => replaceAddress('', paramsOf({ ...choices, ...part }))}
        />
      </section>
      {isAsked ? (
        <Found search={search} served={served} choices={choices} again={again} />
      ) : (
        <section class="start">
          <p>
            Type a question that plain search finds hard, one that describes a thing without its name, and
            press Enter.
          </p>
          <p class="note">
            The reasoner writes down what would help to answer it, and you see the ranking move with each few
            words.
          </p>
          {isRecorded && (
            <p class="note">
              The reasoner <bdi>{reasoner}</bdi> plays back texts that were written before, for certain
              questions alone. For a question of your own, choose another one.
            </p>
          )}
          {described?.hasQuestions && !isPicking && <FirstPicks index={index} pick={ask} />}
        </section>
      )}
    </>
  );
}
