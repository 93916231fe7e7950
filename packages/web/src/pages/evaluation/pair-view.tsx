import { useMemo, useState } from 'preact/hooks';
import { measureWords, pSentence } from '../../../../quern/src/evaluate/report-words.ts';
import { count } from '../../parts/figures.ts';
import { Once } from '../../parts/states.tsx';
import { useMedia } from '../../parts/use-media.ts';
import { useLoaded } from '../../service/use-answer.ts';
import { change, changedHash } from './address.ts';
import { ChartView, type Place } from './chart-view.tsx';
import { listText, type Choice } from './choice.ts';
import { gainBarsOf, histogramScene } from './gain-scene.ts';
import { fileName, Name } from './names.tsx';
import { writtenDifference, writtenInterval } from './pair-words.ts';
import { written } from './results-table.ts';
import type { SavedRun } from './saved.ts';
import { scatterOf, type Spot } from './scatter-scene.ts';
import { TopicList } from './topic-list.tsx';
import { comparedRuns, topicPairs, topicValues, type TopicPair } from './topic-values.ts';

/** Two systems on one collection, topic by topic. */
export function PairView({
  choice,
  params,
  left,
}: {
  readonly choice: Choice;
  readonly params: URLSearchParams;
  /** The topic that was looked at before: its place in the list is gone on from. */
  readonly left: string | undefined;
}) {
  const { pair, systems, columns, measure } = choice;
  if (!pair) return null;
  const { a, b, column } = pair;
  const having = systems.filter(({ runs }) => runs.has(column.key));
  const chosen = (name: 'a' | 'b', value: string): void => {
    const now = { a: a.key, b: b?.key };
    // Who is chosen on one side leaves the other.
    const other = name === 'a' ? 'b' : 'a';
    const rest = now[other] === value ? now[name] : now[other];
    change(params, {
      [name]: listText([value]),
      [other]: rest === undefined ? undefined : listText([rest]),
      on: listText([column.key]),
      page: undefined,
    });
  };
  const runs = [a.runs.get(column.key)!, b?.runs.get(column.key)] as const;
  return (
    <section aria-labelledby="topics">
      <h2 id="topics">Topic by topic</h2>
      <div class="card chooser">
        <label>
          Collection
          <select
            value={column.key}
            onChange={(event) =>
              change(params, {
                on: listText([event.currentTarget.value]),
                a: listText([a.key]),
                b: b && listText([b.key]),
                page: undefined,
              })
            }
          >
            {columns.map(({ key }) => (
              <option key={key} value={key}>
                {key}
              </option>
            ))}
          </select>
        </label>
        {(['a', 'b'] as const).map((name) => (
          <label key={name}>
            {name === 'a' ? 'System A' : 'System B'}
            <select
              value={(name === 'a' ? a : b)?.key}
              onChange={(event) => chosen(name, event.currentTarget.value)}
            >
              {having.map(({ key }) => (
                <option key={key} value={key}>
                  {key}
                </option>
              ))}
            </select>
          </label>
        ))}
        {b && (
          <button type="button" class="quiet" onClick={() => chosen('a', b.key)}>
            Swap
          </button>
        )}
      </div>
      <Topics
        key={`${runs[0].id} ${runs[1]?.id} ${measure}`}
        choice={choice}
        params={params}
        runs={runs}
        left={left}
      />
    </section>
  );
}

function Topics({
  choice,
  params,
  runs: [runA, runB],
  left,
}: {
  readonly left: string | undefined;
  readonly choice: Choice;
  readonly params: URLSearchParams;
  readonly runs: readonly [SavedRun, SavedRun | undefined];
}) {
  const { measure } = choice;
  const loaded = useLoaded(async () => {
    const a = await topicValues(runA);
    return topicPairs(a, runB ? await topicValues(runB) : a, measure);
  }, [runA.id, runA.created, runB?.id, runB?.created, measure]);
  return (
    <Once loaded={loaded} what="topics">
      {(pairs) => <Shown choice={choice} params={params} pairs={pairs} runA={runA} runB={runB} left={left} />}
    </Once>
  );
}

function Shown({
  choice,
  params,
  pairs,
  runA,
  runB,
  left,
}: {
  readonly left: string | undefined;
  readonly choice: Choice;
  readonly params: URLSearchParams;
  readonly pairs: readonly TopicPair[];
  readonly runA: SavedRun;
  readonly runB: SavedRun | undefined;
}) {
  const [pointed, setPointed] = useState<string>();
  const { a, b } = choice.pair!;
  return (
    <>
      {b && runB && (
        <>
          <PairSummary choice={choice} runA={runA} runB={runB} />
          <Charts choice={choice} params={params} pairs={pairs} pointed={pointed} onPoint={setPointed} />
        </>
      )}
      <TopicList
        choice={choice}
        params={params}
        pairs={pairs}
        onPoint={setPointed}
        names={[a.key, b?.key]}
        left={left}
      />
    </>
  );
}

/** The mean difference with its interval and test, and how many topics are better, the same, worse. */
function PairSummary({
  choice: { pair, measure, digits },
  runA,
  runB,
}: {
  readonly choice: Choice;
  readonly runA: SavedRun;
  readonly runB: SavedRun;
}) {
  const loaded = useLoaded(
    (signal) => comparedRuns(runA, runB, measure, signal),
    [runA.id, runA.created, runB.id, runB.created, measure],
  );
  const { a, b } = pair!;
  return (
    <Once loaded={loaded} what="the comparison">
      {({ topics, baseline, mean, difference, interval, randomisation, wins, ties, losses }) => (
        <p class="summary">
          {measureWords(measure).label}
          {digits === 1 && ' × 100'}: <Name>{a.key}</Name> {written(baseline, digits)}, <Name>{b!.key}</Name>{' '}
          {written(mean, digits)}; difference <strong>{writtenDifference(difference, digits)}</strong>, 95 %
          interval {writtenInterval(interval, digits)}, {pSentence(randomisation.p).replaceAll(' ', '\u00a0')}{' '}
          (this pair alone, not corrected). Of {count(topics)} topics B is better on{' '}
          <span class="win">{count(wins)}</span>, the same on {count(ties)}, worse on{' '}
          <span class="loss">{count(losses)}</span>.
        </p>
      )}
    </Once>
  );
}

function Charts({
  choice,
  params,
  pairs,
  pointed,
  onPoint,
}: {
  readonly choice: Choice;
  readonly params: URLSearchParams;
  readonly pairs: readonly TopicPair[];
  readonly pointed: string | undefined;
  readonly onPoint: (topic: string | undefined) => void;
}) {
  const { pair, measure } = choice;
  const { a, b, column } = pair!;
  // On a phone, what is written in them would be too small otherwise.
  const isNarrow = useMedia('(max-width: 640px)');
  const words = {
    a: a.key,
    b: b!.key,
    measure: measureWords(measure).label,
    width: isNarrow ? 400 : 720,
  };
  const keys = [pairs, a.key, b!.key, measure, isNarrow];
  const scatter = useMemo(() => scatterOf(pairs, words), keys);
  const bars = useMemo(() => gainBarsOf(pairs, words), keys);
  const histogram = useMemo(() => histogramScene(pairs, words), keys);
  const places = useMemo(() => new Map(bars.sorted.map(({ id }, i) => [id, i])), [bars]);
  const spot = pointed === undefined ? undefined : scatter.spotOf(pointed);
  const place = pointed === undefined ? undefined : places.get(pointed);
  const bar = place === undefined ? undefined : bars.sorted[place];
  const open = (): void => {
    if (pointed !== undefined) location.hash = changedHash(params, { topic: pointed });
  };
  const pointSpot = (at: Place | undefined): void => onPoint(at && nearest(scatter.spots, at)?.topics[0].id);
  const pointBar = (at: Place | undefined): void =>
    onPoint(at && bars.sorted[Math.floor((at.x - bars.left) / bars.slot)]?.id);
  // The topic below the pointer goes with the mouse alone; the list says the same to the keyboard.
  const said = spot && (
    <PointedWords spot={spot} topic={spot.topics.find(({ id }) => id === pointed)!} digits={choice.digits} />
  );
  const file = (what: string): string => fileName('svg', what, measure, column.key);
  return (
    <div class="charts">
      <ChartView
        scene={scatter.scene}
        file={file('scatter')}
        onPlace={pointSpot}
        onChoose={open}
        over={spot && <circle class="scene-pointed" cx={spot.x} cy={spot.y} r={spot.radius + 3} />}
      >
        <p class="pointed-words">
          {said ?? 'Larger points are several topics. Point at one, or use the list.'}
        </p>
      </ChartView>
      <div class="charts-beside">
        <ChartView
          scene={bars.scene}
          file={file('gains')}
          onPlace={pointBar}
          onChoose={open}
          over={
            bar &&
            place !== undefined && (
              <path
                class="scene-pointed"
                d={`M${bars.left + (place + 0.42) * bars.slot} ${bars.zero}V${bars.y(bar.difference)}`}
              />
            )
          }
        />
        <ChartView scene={histogram} file={file('histogram')} />
      </div>
    </div>
  );
}

function PointedWords({
  spot,
  topic,
  digits,
}: {
  readonly spot: Spot;
  readonly topic: TopicPair;
  readonly digits: 1 | 4;
}) {
  const others = spot.topics.length - 1;
  return (
    <>
      <Name>{topic.id}</Name>
      {others > 0 && ` and ${count(others)} more here`}: A {written(topic.a, digits)}, B{' '}
      {written(topic.b, digits)}, {writtenDifference(topic.difference, digits)}
    </>
  );
}

function nearest(spots: readonly Spot[], { x, y }: Place): Spot | undefined {
  let best: Spot | undefined;
  let least = Infinity;
  for (const spot of spots) {
    const distance = Math.hypot(spot.x - x, spot.y - y) - spot.radius;
    if (distance < least) [best, least] = [spot, distance];
  }
  return least < 12 ? best : undefined;
}
