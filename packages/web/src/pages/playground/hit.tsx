import type { Analyzer } from '../../../../quern/src/text/analyzer.ts';
import type { SearchHit } from '../../service/answers.ts';
import { figure, percent } from './amounts.ts';
import { passageParts } from './highlight.ts';
import { movementWords, type Movement } from './movement.ts';
import { OriginMark, origins } from './origins.tsx';
import { originShares, shareSum } from './score-shares.ts';

/** A hit as it is shown. */
export interface HitProps {
  readonly id: string;
  readonly rank: number;
  readonly score: number;
  readonly title: string | undefined;
  /** What is told of it once the answer is there. */
  readonly detail: SearchHit | undefined;
  /** What is as long as the longest bar. */
  readonly most: number;
  /** How it moved against the ranking without reasoning. */
  readonly moved?: Movement | undefined;
  /** Where a hit without reasoning stands with it. */
  readonly elsewhere?: number | 'out' | undefined;
  readonly analyzer: Analyzer | undefined;
  readonly isOpen: boolean;
  toggle(): void;
}

const chipsShown = 4;

/** A hit: where it stands, what it is, and what brought it there. */
export function Hit(props: HitProps) {
  const { id, rank, score, title, detail, moved, elsewhere, analyzer, isOpen, toggle } = props;
  const terms = detail?.terms ?? [];
  const sum = terms.reduce((all, { share }) => all + share, 0);
  return (
    <li class="hit" data-id={id}>
      <span class="rank" aria-label={`Rank ${rank}`}>
        {rank}
      </span>
      <div class="body">
        <div class="head">
          <h3 dir="auto" title={title ?? id}>
            {title ?? id}
          </h3>
          {title !== undefined && (
            <code class="id" dir="auto" title={id}>
              {id}
            </code>
          )}
          {moved && <Moved moved={moved} />}
          {elsewhere !== undefined && <Elsewhere rank={elsewhere} />}
        </div>
        <div class="scored">
          <ScoreBar {...props} />
          <span class="score">
            <span class="hidden">Score </span>
            {figure(score)}
          </span>
        </div>
        {detail?.text !== undefined && (
          <p class={`passage ${isOpen ? '' : 'clamped'}`} dir="auto">
            {passageParts(detail.text, terms, analyzer).map(({ text, origin }, i) =>
              origin === undefined ? (
                text
              ) : (
                <mark key={i} class={`match-${origin}`}>
                  {text}
                </mark>
              ),
            )}
          </p>
        )}
        {terms.length > 0 && (
          <>
            {!isOpen && (
              <ul class="chips" aria-label="What brought the score">
                {terms.slice(0, chipsShown).map(({ term, origin, queryWeight, documentWeight, share }) => (
                  <li
                    key={term}
                    class={`chip chip-${origin}`}
                    title={`${figure(queryWeight)} in the query × ${figure(documentWeight)} in the document = ${figure(share)} of ${figure(sum)}; ${origins[origin].words}`}
                  >
                    <OriginMark origin={origin} />
                    <bdi class="term">{term}</bdi>
                    <span class="share">{percent(share / sum)}</span>
                  </li>
                ))}
              </ul>
            )}
            {isOpen && <TermTable terms={terms} sum={sum} />}
            <button type="button" class="quiet more" aria-expanded={isOpen} onClick={toggle}>
              {isOpen ? 'Less' : terms.length === 1 ? 'The one term' : `All ${terms.length} terms`}
              <span class="hidden"> of {title ?? id}</span>
            </button>
          </>
        )}
        {detail?.ranks && <Ranks ranks={detail.ranks} />}
      </div>
    </li>
  );
}

function Moved({ moved }: { readonly moved: Movement }) {
  const sign = { up: '▲', down: '▼', new: 'new', same: '=' }[moved.kind];
  return (
    <span class={`moved moved-${moved.kind}`} title={movementWords(moved)}>
      <span aria-hidden="true">
        {sign}
        {'by' in moved ? moved.by : ''}
      </span>
      <span class="hidden">{movementWords(moved)}</span>
    </span>
  );
}

function Elsewhere({ rank }: { readonly rank: number | 'out' }) {
  const words = rank === 'out' ? 'not among these with reasoning' : `rank ${rank} with reasoning`;
  return (
    <span class="elsewhere" title={words}>
      <span aria-hidden="true">→ {rank}</span>
      <span class="hidden">{words}</span>
    </span>
  );
}

/** The score against the highest one; in parts by origin, where these are told. */
function ScoreBar({ detail, score, most }: HitProps) {
  const shares = originShares(detail ?? {});
  const whole = detail && shares.length > 0 ? shareSum(shares) : score;
  const width = (part: number): string =>
    `${most > 0 ? Math.max(0, Math.min(100, (100 * part) / most)) : 0}%`;
  const words = shares.map(({ origin, share }) => `${percent(share / whole)} ${origins[origin].words}`);
  return (
    <div class="bar" role="img" aria-label={words.length > 0 ? `Score: ${words.join(', ')}` : 'Score'}>
      {shares.length === 0 ? (
        <span class="bar-plain" style={{ width: width(score) }} />
      ) : (
        shares.map(({ origin, share }) => (
          <span key={origin} class={`bar-${origin}`} style={{ width: width(share) }} />
        ))
      )}
    </div>
  );
}

function TermTable({
  terms,
  sum,
}: {
  readonly terms: NonNullable<SearchHit['terms']>;
  readonly sum: number;
}) {
  return (
    <div class="wide" role="group" aria-label="All terms" tabIndex={0}>
      <table class="terms">
        <thead>
          <tr>
            <th>Term</th>
            <th class="number">
              <abbr title="Weight in the query">Query</abbr>
            </th>
            <th class="number">
              × <abbr title="Weight in the document">Document</abbr>
            </th>
            <th class="number">= Share</th>
            <th class="number">of score</th>
          </tr>
        </thead>
        <tbody>
          {terms.map(({ term, origin, queryWeight, documentWeight, share }) => (
            <tr key={term}>
              <td>
                <OriginMark origin={origin} /> <bdi>{term}</bdi>
              </td>
              <td class="number">{figure(queryWeight)}</td>
              <td class="number">{figure(documentWeight)}</td>
              <td class="number">{figure(share)}</td>
              <td class="number">{percent(share / sum)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const fromWords = { query: 'the question', reasoned: 'the reasoned query', both: 'both together' } as const;

/** The ranks that were fused. */
function Ranks({ ranks }: { readonly ranks: NonNullable<SearchHit['ranks']> }) {
  return (
    <ul class="chips" aria-label="Ranks that were fused">
      {ranks.map(({ from, search, rank, share }) => (
        <li key={search} class={`chip chip-${from}`} title={`It brings ${figure(share)}`}>
          <OriginMark origin={from} />
          rank {rank} of {fromWords[from]}
          <span class="share">{figure(share)}</span>
        </li>
      ))}
    </ul>
  );
}
