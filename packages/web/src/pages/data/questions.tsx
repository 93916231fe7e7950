import { useEffect, useRef, useState } from 'preact/hooks';
import { replaceAddress } from '../../address.ts';
import { count } from '../../parts/figures.ts';
import { Once } from '../../parts/states.tsx';
import { path } from '../../service/client.ts';
import { useAnswer } from '../../service/use-answer.ts';
import { PostText, withMarks } from './post-text.tsx';
import { SourceLink } from './source-link.tsx';
import type { QuestionsAnswer, SetAnswer, SetQuestion } from './wire.ts';

const splits = ['train', 'validation', 'test'] as const;
const limit = 10;
/** What the service takes. */
const mostSought = 200;

/** Which questions the address asks for. */
interface Asked {
  readonly split: (typeof splits)[number];
  readonly domain: string;
  readonly q: string;
  readonly from: number;
}

/** Questions of a set, some at a time. */
export function Questions({ set, params }: { readonly set: SetAnswer; readonly params: URLSearchParams }) {
  const asked = askedIn(params);
  const { split, domain, q, from } = asked;
  const query = new URLSearchParams({ split, from: String(from), limit: String(limit) });
  if (domain !== '') query.set('domain', domain);
  if (q !== '') query.set('q', q);
  const loaded = useAnswer<QuestionsAnswer>(`v1/sets/${path(set.id)}/questions?${query.toString()}`);
  /** Where the pages before this one began. */
  const [before, setBefore] = useState<readonly number[]>([]);
  const go = (change: Partial<Asked>, trail: readonly number[] = []): void => {
    const { from: start, ...rest } = { ...asked, from: 0, ...change };
    setBefore(trail);
    replaceAddress('data', {
      set: set.id,
      ...rest,
      split: rest.split === 'train' ? '' : rest.split,
      from: start === 0 ? '' : String(start),
    });
  };
  const isFiltered = domain !== '' || q !== '';
  const previous = before.at(-1) ?? (isFiltered ? 0 : Math.max(0, from - limit));
  const list = useRef<HTMLDivElement>(null);
  const isMoved = useRef(false);
  useEffect(() => {
    // After a step the list is read from its beginning.
    if (loaded.state !== 'loaded' || !isMoved.current) return;
    isMoved.current = false;
    list.current?.focus();
  }, [loaded]);
  const step = (to: number, trail: readonly number[]): void => {
    isMoved.current = true;
    go({ from: to }, trail);
  };
  return (
    <>
      <Filters asked={asked} set={set} go={go} />
      {/* It is there from the start, so that what comes into it is read out. */}
      <p role="status" class="note">
        {loaded.state === 'loaded' && foundWords(loaded.value, asked)}
      </p>
      <Once loaded={loaded} what="questions">
        {(page) => (
          <>
            <div ref={list} tabIndex={-1} class="list" role="group" aria-label="Questions found">
              {page.questions.map((question, i) => (
                <Question key={question.row} question={question} sought={q} isOpen={i === 0} />
              ))}
            </div>
            <p class="steps">
              <button type="button" disabled={from === 0} onClick={() => step(previous, before.slice(0, -1))}>
                Previous
              </button>
              <button
                type="button"
                disabled={page.next === null}
                onClick={() => step(page.next!, [...before, from])}
              >
                {page.questions.length === 0 && page.next !== null ? 'Look further' : 'Next'}
              </button>
            </p>
          </>
        )}
      </Once>
    </>
  );
}

function Filters({
  asked,
  set,
  go,
}: {
  readonly asked: Asked;
  readonly set: SetAnswer;
  readonly go: (change: Partial<Asked>) => void;
}) {
  const [sought, setSought] = useState(asked.q);
  // The address is another: what was typed and not searched is gone.
  useEffect(() => setSought(asked.q), [asked.q]);
  const { domains } = set.record;
  const isOther = asked.domain !== '' && !domains.some(({ domain }) => domain === asked.domain);
  return (
    <form
      class="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        go({ q: sought.trim() });
      }}
    >
      <label>
        Split
        <select
          value={asked.split}
          onChange={(event) => go({ split: splitNamed(event.currentTarget.value) })}
        >
          {splits.map((split) => (
            <option key={split} value={split}>
              {split} ({count(set.splits[split])})
            </option>
          ))}
        </select>
      </label>
      <label>
        Domain
        <select value={asked.domain} onChange={(event) => go({ domain: event.currentTarget.value })}>
          <option value="">all</option>
          {isOther && <option value={asked.domain}>{asked.domain}</option>}
          {domains.map(({ domain, splits: own }) => (
            <option key={domain} value={domain}>
              {domain} ({count(own[asked.split])})
            </option>
          ))}
        </select>
      </label>
      <label class="sought">
        Text
        <input
          type="search"
          maxLength={mostSought}
          placeholder="in a question or a positive"
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Search</button>
    </form>
  );
}

function Question({
  question: { id, domain, url, question, positives, morePositives },
  sought,
  isOpen,
}: {
  readonly question: SetQuestion;
  readonly sought: string;
  readonly isOpen: boolean;
}) {
  const [title = '', ...rest] = question.text.split('\n');
  const body = rest.join('\n').replace(/^\n+/, '');
  const isTitle = title.length <= 300;
  return (
    <details class="question" open={isOpen}>
      <summary>
        <span class="title" dir="auto">
          {withMarks(isTitle ? title : `${title.slice(0, 200)}…`, sought)}
        </span>{' '}
        <span class="note">
          {domain} ·{' '}
          {positives.length + morePositives === 1
            ? 'one positive'
            : `${positives.length + morePositives} positives`}
        </span>
      </summary>
      <p class="note facts-of-post">
        <code>{id}</code> {url !== null && <SourceLink url={url} />}
      </p>
      <PostText of={isTitle ? { ...question, text: body } : question} sought={sought} />
      <h3>{positives.length === 1 ? 'Positive' : 'Positives, the best first'}</h3>
      <ol class="positives">
        {positives.map((positive, i) => (
          <li key={i}>
            <PostText of={positive} sought={sought} />
          </li>
        ))}
      </ol>
      {morePositives > 0 && <p class="note">And {count(morePositives)} more.</p>}
    </details>
  );
}

/** What was found, in a sentence or two. */
function foundWords(page: QuestionsAnswer, { split, domain, q, from }: Asked): string {
  const { questions, total, next, looked, unreadable } = page;
  const odd = unreadable === 0 ? '' : ` ${count(unreadable)} could not be read.`;
  if (total === 0) return `The split ${split} is empty.`;
  if (from >= total) return `The split ${split} has ${count(total)} questions, and this is past its end.`;
  const rows = `${count(from + 1)} to ${count(Math.min(total, from + looked))} of ${count(total)}`;
  if (domain === '' && q === '') return `Questions ${rows}.${odd}`;
  const found = questions.length === 0 ? 'None' : count(questions.length);
  const isEnd = next === null ? ', to the end' : '';
  return `${found} found in the rows ${rows}${isEnd}.${odd}`;
}

function askedIn(params: URLSearchParams): Asked {
  const from = params.get('from') ?? '';
  return {
    split: splitNamed(params.get('split') ?? ''),
    domain: (params.get('domain') ?? '').slice(0, mostSought),
    q: (params.get('q') ?? '').slice(0, mostSought),
    from: /^\d{1,9}$/.test(from) ? Number(from) : 0,
  };
}

function splitNamed(name: string): Asked['split'] {
  return splits.find((each) => each === name) ?? 'train';
}
