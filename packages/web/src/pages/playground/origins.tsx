import type { HitTerm } from '../../service/answers.ts';

export type Origin = HitTerm['origin'];

/** Where terms come from: a letter, a word, and more words. */
export const origins: Readonly<
  Record<Origin, { readonly letter: string; readonly short: string; readonly words: string }>
> = {
  query: { letter: 'Q', short: 'question', words: 'in the question' },
  reasoned: { letter: 'R', short: 'reasoning', words: 'brought by reasoning' },
  both: { letter: 'B', short: 'both', words: 'in both' },
  feedback: { letter: 'F', short: 'feedback', words: 'learnt from documents found' },
};

/** The letter of an origin, on its colour; the words for who hears it. */
export function OriginMark({ origin }: { readonly origin: Origin }) {
  const { letter, words } = origins[origin];
  return (
    <abbr class={`origin origin-${origin}`} title={words}>
      {letter}
    </abbr>
  );
}

/** What the letters, colours and patterns of these origins say. */
export function Legend({ shown }: { readonly shown: ReadonlySet<Origin> }) {
  const all = (Object.keys(origins) as Origin[]).filter((origin) => shown.has(origin));
  if (all.length === 0) return null;
  return (
    <ul class="legend" aria-label="Where terms come from">
      {all.map((origin) => (
        <li key={origin} title={origins[origin].words}>
          <span class={`origin origin-${origin}`} aria-hidden="true">
            {origins[origin].letter}
          </span>
          <span class={`swatch bar-${origin}`} aria-hidden="true" />
          {origins[origin].short}
        </li>
      ))}
    </ul>
  );
}
