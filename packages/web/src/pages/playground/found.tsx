import { replaceAddress } from '../../address.ts';
import { Failed } from '../../parts/states.tsx';
import { ServiceError } from '../../service/service-error.ts';
import { paramsOf, type Choices, type Served } from './choices.ts';
import { Elsewhere } from './elsewhere.tsx';
import { shownAt } from './frames.ts';
import { ranksOf } from './movement.ts';
import { Notices } from './stages.tsx';
import { usePlace } from './use-place.ts';
import { type Search } from './use-search.ts';
import { Reasoning } from './reasoning.tsx';
import { Columns } from './columns.tsx';

/** What was found: the reasoned query with what it took, both rankings, and how to ask the same from elsewhere. */
export function Found({
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
            {isOfReasoner(search.with.error!) && <OtherReasoner served={served} choices={choices} />}
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

/** Whether there is no such reasoner, or it plays back texts and has none for this question. */
function isOfReasoner(error: Error): boolean {
  return error instanceof ServiceError && error.code === 'NOT_FOUND' && error.where === 'reasoner';
}

/** The way on: the other reasoners; where one that plays back texts had none, those that write their own. */
function OtherReasoner({ served, choices }: { readonly served: Served; readonly choices: Choices }) {
  const { reasoners, declared } = served.config;
  const isThere = reasoners.includes(choices.reasoner);
  const others = reasoners.filter(
    (name) =>
      name !== 'none' &&
      name !== choices.reasoner &&
      !(isThere && declared?.reasoners[name]?.startsWith('file:')),
  );
  if (others.length === 0) return null;
  return (
    <>
      {isThere && <p>Others take any question:</p>}
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
