import { useMemo, useState } from 'preact/hooks';
import { Tabs } from '../../parts/tabs.tsx';
import { useMedia } from '../../parts/use-media.ts';
import type { SearchAnswer, SearchHit } from '../../service/answers.ts';
import { type Choices, type Served } from './choices.ts';
import { type Shown } from './frames.ts';
import { useAnalyzer } from './highlight.ts';
import { ranksOf } from './movement.ts';
import { Legend, type Origin } from './origins.tsx';
import { Ranking } from './ranking.tsx';
import { originShares } from './score-shares.ts';
import { type Search } from './use-search.ts';

/** The two rankings: side by side, or one at a time where there is no room. */
export function Columns({
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
