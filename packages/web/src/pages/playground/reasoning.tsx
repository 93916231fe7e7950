import { count } from '../../parts/figures.ts';
import { type Choices } from './choices.ts';
import { answerTexts, type Shown, type Watched } from './frames.ts';
import { ReasonedText } from './reasoned-text.tsx';
import { finishWords, Stages } from './stages.tsx';
import { type Place } from './use-place.ts';
import { type Search } from './use-search.ts';

/** The reasoned query as it is written, and what it took. */
export function Reasoning({
  search,
  shown,
  look,
  choices,
}: {
  readonly search: Search;
  readonly shown: Shown | undefined;
  readonly look: Place;
  readonly choices: Choices;
}) {
  const { progress, watched } = search.with;
  const { answer, frames } = watched;
  const isAtHead = !answer && look.place >= frames.length - 1;
  const isPast = shown !== undefined && !shown.isAnswer;
  return (
    <div class="reasoning-parts">
      <div class="writing">
        <div class="head">
          <h2>
            What <bdi>{choices.reasoner}</bdi> {answer?.reasoned.weights ? 'added' : 'wrote'}
          </h2>
          <span class="note">
            {answer && !isPast ? finishWords(answer.reasoned) : progress === 'asking' ? 'writing …' : ''}
          </span>
        </div>
        <ReasonedText
          texts={isAtHead ? watched.texts : (shown?.texts ?? [])}
          whole={answer && isPast && look.isHeld ? answerTexts(answer) : []}
          progress={answer && !isPast ? 'done' : isPast && answer && !look.isHeld ? 'asking' : progress}
          isFollowed={!shown?.isAnswer}
          answer={answer}
        />
        <Slider watched={watched} look={look} isAsking={progress === 'asking'} />
      </div>
      <div class="taken">
        <h2>What it took</h2>
        <Stages without={search.without.answer} answer={answer} frames={frames} />
        {!answer && <p class="note">{progress === 'asking' ? 'Told at the end.' : 'It came to no end.'}</p>}
      </div>
    </div>
  );
}

/** Goes through the text and its rankings. */
function Slider({
  watched,
  look,
  isAsking,
}: {
  readonly watched: Watched;
  readonly look: Place;
  readonly isAsking: boolean;
}) {
  const { frames, answer } = watched;
  if (frames.length === 0) return null;
  const last = frames.length - (answer ? 0 : 1);
  const at = Math.max(0, look.place);
  const frame = frames[at];
  const words = frame
    ? `look ${at + 1} of ${frames.length}, ${count(frame.tokens)} tokens`
    : 'all of the text';
  return (
    <div class="slider">
      <label for="text-so-far">Text so far</label>
      <input
        id="text-so-far"
        type="range"
        min={0}
        max={last}
        value={at}
        aria-valuetext={words}
        disabled={isAsking}
        onInput={(event) => look.hold(Number(event.currentTarget.value))}
      />
      <span class="note at">{words}</span>
      <button type="button" class="quiet" disabled={isAsking} onClick={look.replay}>
        Replay
      </button>
    </div>
  );
}
