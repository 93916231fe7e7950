import { useLayoutEffect, useRef } from 'preact/hooks';
import type { SearchAnswer } from '../../service/answers.ts';
import { figure } from './amounts.ts';
import type { Progress } from './use-search.ts';

/** The reasoned query as far as it is looked at; what comes after that, where it is known, is faint. */
export function ReasonedText({
  texts,
  whole,
  progress,
  isFollowed,
  answer,
}: {
  readonly texts: readonly string[];
  /** All of the texts; empty while they are revealed. */
  readonly whole: readonly string[];
  readonly progress: Progress;
  /** Whether what was written last is kept in sight. */
  readonly isFollowed: boolean;
  readonly answer: SearchAnswer | undefined;
}) {
  const box = useRef<HTMLDivElement>(null);
  const learnt = answer && learntTerms(answer);
  const length = learnt ? 0 : texts.reduce((sum, text) => sum + text.length, 0);
  useLayoutEffect(() => {
    const { current } = box;
    if (!current) return;
    const ends = current.querySelectorAll<HTMLElement>('.end');
    const end = ends[ends.length - 1];
    current.scrollTop = isFollowed && end ? end.offsetTop + end.offsetHeight - current.clientHeight + 4 : 0;
  }, [length, isFollowed]);
  const isWriting = progress === 'asking';
  return (
    <div
      class={`text ${length === 0 && !isWriting ? 'empty-text' : ''}`}
      ref={box}
      tabIndex={0}
      role="group"
      aria-label="The reasoned query"
      aria-busy={isWriting}
    >
      {length === 0 && isWriting && <p class="note waiting">Waiting for the first words …</p>}
      {length === 0 && !isWriting && !learnt && <p class="note">No text.</p>}
      {learnt && (
        <>
          <p class="note">It writes no text: it adds the terms that weigh most in the best passages.</p>
          <ul class="chips">
            {learnt.map(({ term, weight }) => (
              <li key={term} class="chip chip-feedback">
                <bdi>{term}</bdi>
                <span class="share">{figure(weight)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {(length === 0 ? [] : texts).map((text, i) => (
        <p key={i} dir="auto">
          {text}
          <span class={`end ${isWriting && i === texts.length - 1 ? 'caret' : ''}`} aria-hidden="true" />
          {whole[i]?.startsWith(text) && <span class="rest">{whole[i].slice(text.length)}</span>}
        </p>
      ))}
    </div>
  );
}

const learntShown = 24;

/** The terms that a reasoner of weights brought, the heaviest first; undefined of one that writes. */
function learntTerms({ reasoned, searches = [] }: SearchAnswer) {
  if (reasoned.weights === undefined) return undefined;
  const terms = searches.flatMap((search) => search.terms);
  return terms.filter(({ origin }) => origin === 'feedback').slice(0, learntShown);
}
