import { useMemo, useRef } from 'preact/hooks';
import { hashOf } from '../../address.ts';
import { count } from '../../parts/figures.ts';
import { Empty, Once } from '../../parts/states.tsx';
import { useAnswer } from '../../service/use-answer.ts';
import type { PageProps } from '../../shell/pages.ts';
import { choiceIn, type Choice } from './choice.ts';
import { Chooser } from './chooser.tsx';
import './evaluation.css';
import { Names } from './names.tsx';
import { PairView } from './pair-view.tsx';
import { ResultsView } from './results-view.tsx';
import { DamagedRuns, RunsView } from './runs-view.tsx';
import type { ListAnswer } from './saved.ts';
import { gathered, type Gathered } from './systems.ts';
import { TopicView } from './topic-view.tsx';
import { useMadePairs } from './use-made-pairs.ts';

/** The page `Evaluation`: saved evaluations side by side, topic by topic, and one topic's rankings. */
export default function EvaluationPage({ params }: PageProps) {
  const loaded = useAnswer<ListAnswer>('v1/runs?kind=evaluation');
  return (
    <div class="evaluation">
      <h1>Evaluation</h1>
      <Once loaded={loaded} what="evaluations">
        {(list) => <Evaluations list={list} params={params} />}
      </Once>
    </div>
  );
}

function Evaluations({ list, params }: { readonly list: ListAnswer; readonly params: URLSearchParams }) {
  const of = useMemo(() => gathered(list), [list]);
  const choice = useMemo(() => choiceIn(params, of), [params, of]);
  if (!choice) {
    return (
      <>
        <HowTo isDamaged={of.damaged.length > 0} />
        <DamagedRuns runs={of.damaged} />
      </>
    );
  }
  return <Chosen of={of} choice={choice} params={params} isCut={list.isCut} />;
}

function Chosen({
  of,
  choice,
  params,
  isCut,
}: {
  readonly of: Gathered;
  readonly choice: Choice;
  readonly params: URLSearchParams;
  readonly isCut: boolean;
}) {
  const { topic, pair, unknown } = choice;
  const left = useRef<string | undefined>(undefined);
  if (topic !== undefined && pair !== undefined) {
    left.current = topic;
    return <TopicView choice={choice} params={params} topic={topic} />;
  }
  return (
    <>
      {unknown.length > 0 && (
        <p class="unknown" role="status">
          The address names what is not here: <Names of={unknown} />.{' '}
          <a href={hashOf('evaluation')}>Show what there is</a>
        </p>
      )}
      <Chooser choice={choice} of={of} params={params} />
      {isCut && <p class="note">There may be more evaluations than the service lists.</p>}
      {of.severally.length > 0 && (
        <p class="note">
          Runs that were measured by different judgements are not compared. So there are several columns to
          choose of <Names of={of.severally} />.
        </p>
      )}
      <Shown choice={choice} params={params} left={left.current} />
      <DamagedRuns runs={of.damaged} />
      <p class="note">
        {count(of.columns.length)} {of.columns.length === 1 ? 'collection' : 'collections'},{' '}
        {count(of.systems.length)} {of.systems.length === 1 ? 'system' : 'systems'}. In CSV files, a text that
        a spreadsheet would take for a formula begins with an apostrophe.
      </p>
    </>
  );
}

function Shown({
  choice,
  params,
  left,
}: {
  readonly choice: Choice;
  readonly params: URLSearchParams;
  /** The topic that was looked at before. */
  readonly left: string | undefined;
}) {
  const pairs = useMadePairs(choice);
  return (
    <>
      <ResultsView choice={choice} pairs={pairs} />
      <PairView choice={choice} params={params} left={left} />
      <RunsView choice={choice} />
    </>
  );
}

function HowTo({ isDamaged }: { readonly isDamaged: boolean }) {
  return (
    <Empty title={isDamaged ? 'There are no evaluations that can be read' : 'There are no evaluations yet'}>
      <p>Save one with the command line:</p>
      <pre tabIndex={0}>
        <code>
          npx quern eval COLLECTION --reasoner none --reasoner rm3 \{'\n'}
          {'  '}--save evaluations/first
        </code>
      </pre>
      <p>
        Then start the service again with that folder, beside what it is started with now. What is saved in it
        later is found without another start.
      </p>
      <pre tabIndex={0}>
        <code>npx quern serve --config quern.yaml --runs evaluations</code>
      </pre>
      <p class="note">
        In the configuration it is <code>runs: [evaluations]</code>. Folders that options name are shown in
        place of those that it names.
      </p>
    </Empty>
  );
}
