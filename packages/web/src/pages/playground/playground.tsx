import { useEffect, useMemo, useState } from 'preact/hooks';
import { hashOf, replaceAddress } from '../../address.ts';
import { count } from '../../parts/figures.ts';
import { Failed } from '../../parts/states.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { useMedia } from '../../parts/use-media.ts';
import { ServiceError } from '../../service/service-error.ts';
import type { SearchAnswer, SearchHit } from '../../service/answers.ts';
import { paramsOf, type Choices, type Served } from './choices.ts';
import { Elsewhere } from './elsewhere.tsx';
import { answerTexts, shownAt, type Shown, type Watched } from './frames.ts';
import { useAnalyzer } from './highlight.ts';
import { ranksOf } from './movement.ts';
import { Legend, type Origin } from './origins.tsx';
import { FirstPicks, Picks } from './picks.tsx';
import { QuestionForm } from './question-form.tsx';
import { Ranking } from './ranking.tsx';
import { ReasonedText } from './reasoned-text.tsx';
import { originShares } from './score-shares.ts';
import { finishWords, Notices, Stages } from './stages.tsx';
import { Switches } from './switches.tsx';
import { usePlace, type Place } from './use-place.ts';
import { useSearch, type Search } from './use-search.ts';

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
              Here <bdi>{reasoner}</bdi> plays back texts that were written before, for certain questions
              alone. For a question of your own, choose another reasoner.
            </p>
          )}
          {described?.hasQuestions && !isPicking && <FirstPicks index={index} pick={ask} />}
        </section>
      )}
    </>
  );
}

function Found({
  search,
  served,
  choices,
  again,
}: {
  readonly search: Search;
  readonly served: Served;
  readonly choices: Choices;
  again(): void;
}) {
  const { watched, progress } = search.with;
  const look = usePlace(watched, search.turn);
  const shown = shownAt(watched, look.place);
  const isEnd = shown?.isAnswer === true;
  const { without } = search;
  const isNothing = progress === 'failed' && watched.texts.length === 0;
  return (
    <>
      <p class="hidden" role="status">
        {said(search, isEnd)}
      </p>
      <section class="card reasoning" aria-label="Reasoning">
        {!isNothing && <Reasoning search={search} shown={shown} look={look} choices={choices} />}
        {watched.answer && isEnd && <Notices answer={watched.answer} />}
        {progress === 'stopped' && (
          <p class="notice">
            Stopped. {shown ? 'The ranking is of the text so far.' : 'Nothing had been written yet.'}
          </p>
        )}
        {progress === 'failed' && (
          <Failed error={search.with.error!} again={again}>
            {isUnrecorded(search.with.error!) && <OtherReasoner served={served} choices={choices} />}
          </Failed>
        )}
      </section>
      {without.progress === 'failed' && search.with.error?.message !== without.error!.message && (
        <Failed error={without.error!} again={again} />
      )}
      <Columns search={search} shown={shown} choices={choices} served={served} />
      <Elsewhere choices={choices} served={served} />
    </>
  );
}

/** Whether a reasoner of recorded texts was asked a question that it has none for. */
function isUnrecorded(error: Error): boolean {
  return error instanceof ServiceError && error.code === 'NOT_FOUND' && error.where === 'reasoner';
}

/** The way on from a reasoner that knows its recorded questions alone. */
function OtherReasoner({ served, choices }: { readonly served: Served; readonly choices: Choices }) {
  const others = served.config.reasoners.filter((name) => name !== 'none' && name !== choices.reasoner);
  return (
    <>
      <p>It knows the questions that it was recorded for alone. Others take any question:</p>
      <p class="row">
        {others.map((reasoner) => (
          <button
            key={reasoner}
            type="button"
            onClick={() => replaceAddress('', paramsOf({ ...choices, reasoner }))}
          >
            Ask with <bdi>{reasoner}</bdi>
          </button>
        ))}
      </p>
    </>
  );
}

/** What is said to who cannot see it: when it begins and ends, and not each look between. */
function said({ with: { progress, watched }, without }: Search, isEnd: boolean): string {
  if (progress === 'asking') return 'Searching';
  if (progress === 'stopped') return 'Stopped';
  if (progress !== 'done' || !isEnd) return '';
  const hits = watched.answer!.hits;
  const known = ranksOf(without.answer?.hits ?? []);
  const fresh = hits.filter(({ id }) => !known.has(id)).length;
  const news = without.answer ? `, ${fresh} of them new` : '';
  return `Done: ${hits.length} ${hits.length === 1 ? 'hit' : 'hits'}${news}`;
}

function Reasoning({
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

function Columns({
  search,
  shown,
  choices,
  served,
}: {
  readonly search: Search;
  readonly shown: Shown | undefined;
  readonly choices: Choices;
  readonly served: Served;
}) {
  const { without } = search;
  const { watched, progress } = search.with;
  const isNarrow = useMedia('(max-width: 760px)');
  const [tab, setTab] = useState<string>('with');
  const analyzer = useAnalyzer(served.indexes.find(({ name }) => name === choices.index)?.analyzer);
  const plain = without.answer;
  const plainDetails = useDetails(plain);
  const details = useDetails(watched.answer);
  const before = useMemo(() => plain && ranksOf(plain.hits), [plain]);
  const after = shown && ranksOf(shown.hits);
  const titles = useMemo(
    () => new Map([...watched.titles, ...titlesOf(plain), ...titlesOf(watched.answer)]),
    [watched.titles, plain, watched.answer],
  );
  const shownOrigins = new Set<Origin>(
    [...(plain?.hits ?? []), ...(watched.answer?.hits ?? [])].flatMap((hit) =>
      originShares(hit).map(({ origin }) => origin),
    ),
  );
  const panel = (key: string) =>
    isNarrow
      ? {
          role: 'tabpanel' as const,
          id: `panel-${key}`,
          'aria-labelledby': `tab-${key}`,
          hidden: tab !== key,
        }
      : { 'aria-label': key === 'with' ? 'With reasoning' : 'Without reasoning' };
  return (
    <>
      {isNarrow && (
        <Tabs
          label="Rankings"
          tabs={[
            { key: 'without', title: 'Without reasoning' },
            { key: 'with', title: 'With reasoning' },
          ]}
          chosen={tab}
          choose={setTab}
        />
      )}
      <div class="columns">
        <section {...panel('without')}>
          <div class="column-head">
            <h2>Without reasoning</h2>
          </div>
          {plain ? (
            <Ranking
              hits={plain.hits}
              label="Hits without reasoning"
              titles={titles}
              details={plainDetails}
              other={after}
              analyzer={analyzer}
            />
          ) : (
            <Waiting isAsking={without.progress === 'asking'} />
          )}
          {plain?.hits.length === 0 && <p class="note">No document was found.</p>}
        </section>
        <section {...panel('with')}>
          <div class="column-head">
            <h2>With reasoning</h2>
            <Legend shown={shownOrigins} />
          </div>
          {shown ? (
            <Ranking
              hits={shown.hits}
              label="Hits with reasoning"
              titles={titles}
              details={shown.isAnswer ? details : undefined}
              against={before}
              analyzer={analyzer}
            />
          ) : (
            <Waiting isAsking={progress === 'asking'} />
          )}
          {shown?.hits.length === 0 && <p class="note">No document was found.</p>}
        </section>
      </div>
    </>
  );
}

/** Places of hits that are to come. */
function Waiting({ isAsking }: { readonly isAsking: boolean }) {
  if (!isAsking) return <p class="note">There is no ranking.</p>;
  return (
    <div class="ghosts" aria-hidden="true">
      {[0, 1, 2, 3].map((each) => (
        <div key={each} class="ghost" />
      ))}
    </div>
  );
}

function useDetails(answer: SearchAnswer | undefined): ReadonlyMap<string, SearchHit> | undefined {
  return useMemo(() => answer && new Map(answer.hits.map((hit) => [hit.id, hit])), [answer]);
}

function titlesOf(answer: SearchAnswer | undefined): [string, string][] {
  return (answer?.hits ?? []).flatMap(({ id, title }) => (title === undefined ? [] : [[id, title]]));
}
