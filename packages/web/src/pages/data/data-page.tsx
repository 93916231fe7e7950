import { replaceAddress } from '../../address.ts';
import { count } from '../../parts/figures.ts';
import { Empty, Failed, Once } from '../../parts/states.tsx';
import { path } from '../../service/client.ts';
import { ServiceError } from '../../service/service-error.ts';
import { useAnswer } from '../../service/use-answer.ts';
import type { PageProps } from '../../shell/pages.ts';
import { SetView } from './set-view.tsx';
import type { SetAnswer, SetsAnswer } from './wire.ts';
import './data.css';

/** The page `Data`: what each stage of a curation left, and the questions that are in the set. */
export default function DataPage({ params }: PageProps) {
  const loaded = useAnswer<SetsAnswer>('v1/sets');
  return (
    <div class="data">
      <h1>Data</h1>
      <Once loaded={loaded} what="sets">
        {(answer) => (answer.sets.length === 0 ? <NoSets /> : <Sets answer={answer} params={params} />)}
      </Once>
    </div>
  );
}

function NoSets() {
  return (
    <Empty title="No training set is shown here yet">
      <p>
        Curate one from questions and answers: JSON lines of <code>question</code> and <code>answers</code>,
        or a Stack Exchange dump.
      </p>
      <pre tabIndex={0}>npx quern curate questions.jsonl --out sets/mine</pre>
      <p>
        Then start the service again with that folder, beside what it is started with now. What is curated
        into it later is found without another start.
      </p>
      <pre tabIndex={0}>npx quern serve --config quern.yaml --sets sets</pre>
      <p class="note">
        In the configuration it is <code>sets: [sets]</code>. Folders that options name are shown in place of
        those that it names. The guide is docs/guides/train-on-your-data.md.
      </p>
    </Empty>
  );
}

function Sets({
  answer: { sets, isCut },
  params,
}: {
  readonly answer: SetsAnswer;
  readonly params: URLSearchParams;
}) {
  const asked = params.get('set');
  const shown =
    asked === null
      ? (sets.find((set) => !('problem' in set)) ?? sets[0]!)
      : sets.find(({ id }) => id === asked);
  return (
    <>
      <p class="chosen">
        <label for="set">Training set</label>
        <select
          id="set"
          value={shown?.id ?? ''}
          onChange={(event) => replaceAddress('data', { set: event.currentTarget.value })}
        >
          {shown === undefined && <option value="">(one that is not here)</option>}
          {sets.map((set) => (
            <option key={set.id} value={set.id}>
              {set.name}
              {'problem' in set ? ' (cannot be read)' : ` (${count(set.questions)} questions)`}
            </option>
          ))}
        </select>
        {isCut && <span class="note">There are more sets than are listed.</span>}
      </p>
      {shown === undefined ? (
        <Failed
          error={
            new ServiceError(404, 'NOT_FOUND', 'the set of this address is not here', {
              hint: 'It may have been moved or removed. Choose another above',
            })
          }
        />
      ) : 'problem' in shown ? (
        <Failed
          error={
            new ServiceError(503, 'UNAVAILABLE', `${shown.name}: ${shown.problem}`, {
              hint: 'Curate it again, or take its folder away',
            })
          }
        />
      ) : (
        <Shown key={shown.id} id={shown.id} params={params} />
      )}
    </>
  );
}

function Shown({ id, params }: { readonly id: string; readonly params: URLSearchParams }) {
  const loaded = useAnswer<SetAnswer>(`v1/sets/${path(id)}`);
  return (
    <Once loaded={loaded} what="the set">
      {(set) => <SetView set={set} params={params} />}
    </Once>
  );
}
