import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import {
  combinationOf,
  combinationParts,
  combinations,
  mostHits,
  numberIn,
  type Choices,
  type Served,
} from './choices.ts';

const combinationWords: Readonly<Record<(typeof combinations)[number], string>> = {
  replace: 'replace the question',
  concat: 'put the question before',
  interpolate: 'weigh both',
  rrf: 'fuse both rankings',
};

/** How it is asked. Each change is told at once. */
export function Switches({
  choices,
  served: { config, indexes },
  hasGate,
  change,
}: {
  readonly choices: Choices;
  readonly served: Served;
  /** Whether there is a gate that could be switched off. */
  readonly hasGate: boolean;
  change(part: Partial<Choices>): void;
}) {
  const { index, reasoner, retriever, combine, k, earlyStop, gate, reranker, keyTerms, rounds } = choices;
  const { kind, number } = combinationParts(combine);
  const own = indexes.find(({ name }) => name === index)?.retriever;
  const isMore = keyTerms > 0 || rounds > 1 || !gate || reranker !== '';
  const [isOpen, setOpen] = useState(isMore);
  return (
    <div class="switches">
      <Choice
        label="Index"
        help="What is searched."
        value={index}
        names={config.indexes}
        choose={(name) => change({ index: name })}
      />
      <Choice
        label="Reasoner"
        help="What turns the question into a reasoned query."
        value={reasoner}
        names={config.reasoners.filter((name) => name !== 'none')}
        choose={(name) => change({ reasoner: name })}
      />
      <Choice
        label="Retriever"
        help="How documents are scored: bm25 by the words that match, bm25q with the query's words weighed as well."
        value={retriever}
        names={config.retrievers}
        without={own === undefined ? "the index's own" : `${own} (the index's)`}
        choose={(name) => change({ retriever: name })}
      />
      <Field label="Combination" help="What becomes of the question beside the reasoned query.">
        <select
          value={kind}
          onChange={({ currentTarget: { value } }) => change({ combine: combinationOf(value) })}
        >
          {combinations.map((each) => (
            <option
              key={each}
              value={each}
              // It adds weighed terms, which no text can stand before.
              disabled={each === 'concat' && reasoner === 'rm3'}
            >
              {combinationWords[each]}
            </option>
          ))}
        </select>
      </Field>
      {kind === 'concat' && (
        <NumberField
          label="Question, how often"
          help="How often the question stands before the reasoned query."
          value={number ?? 1}
          range={{ least: 1, most: 100, isWhole: true }}
          change={(value) => change({ combine: combinationOf(kind, value) })}
        />
      )}
      {kind === 'interpolate' && (
        <NumberField
          label="Question's weight"
          help="Beside the reasoned query's, which is the rest up to 1."
          value={number ?? 0.5}
          range={{ least: 0, most: 1 }}
          step={0.1}
          change={(value) => change({ combine: combinationOf(kind, value) })}
        />
      )}
      <NumberField
        label="Hits"
        help="How many documents each ranking shows."
        value={k}
        range={{ least: 1, most: Math.min(mostHits, config.limits.k), isWhole: true }}
        change={(value) => change({ k: value })}
      />
      <label class="check" title="End the text as soon as its ranking is stable.">
        <input
          type="checkbox"
          checked={earlyStop}
          onChange={({ currentTarget: { checked } }) => change({ earlyStop: checked })}
        />
        Early stop
      </label>
      <button
        type="button"
        class="quiet"
        aria-expanded={isOpen}
        aria-controls="more-switches"
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? 'Less' : 'More'}
      </button>
      <div id="more-switches" class="switches" hidden={!isOpen}>
        {config.rerankers.length > 0 && (
          <Choice
            label="Reranker"
            help="What reads the best hits again, with the question."
            value={reranker}
            names={config.rerankers}
            without="none"
            choose={(name) => change({ reranker: name })}
          />
        )}
        <NumberField
          label="Key terms, least share"
          help="The least share of the weight that the question's five rarest terms have."
          value={keyTerms}
          range={{ least: 0, most: 0.99 }}
          step={0.05}
          change={(value) => change({ keyTerms: value })}
        />
        <NumberField
          label="Rounds"
          help="How often the model is asked, each time with the passages that were found."
          value={rounds}
          range={{ least: 1, most: 5, isWhole: true }}
          change={(value) => change({ rounds: value })}
        />
        {(hasGate || !gate) && (
          <label class="check" title="Reason only where the gate says that it is worth it.">
            <input
              type="checkbox"
              checked={gate}
              onChange={({ currentTarget: { checked } }) => change({ gate: checked })}
            />
            Gate
          </label>
        )}
      </div>
    </div>
  );
}

function Field({
  label,
  help,
  children,
}: {
  readonly label: string;
  /** Shown to whoever points at it. */
  readonly help: string;
  readonly children: ComponentChildren;
}) {
  return (
    <label class="field" title={help}>
      <span>{label}</span>
      {children}
    </label>
  );
}

/** A choice among names; a name that an address brought, and that is none of them, stays to be seen. */
function Choice({
  label,
  help,
  value,
  names,
  without,
  choose,
}: {
  readonly label: string;
  readonly help: string;
  readonly value: string;
  readonly names: readonly string[];
  /** What stands for none; undefined where there must be one. */
  readonly without?: string;
  choose(name: string): void;
}) {
  const isUnknown = value !== '' && !names.some((name) => name === value);
  return (
    <Field label={label} help={help}>
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {without !== undefined && <option value="">{without}</option>}
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
        {isUnknown && <option value={value}>{value} (not here)</option>}
      </select>
    </Field>
  );
}

function NumberField({
  label,
  help,
  value,
  range,
  step = 1,
  change,
}: {
  readonly label: string;
  readonly help: string;
  readonly value: number;
  readonly range: { readonly least: number; readonly most: number; readonly isWhole?: boolean };
  readonly step?: number;
  change(value: number): void;
}) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // What else was chosen meanwhile stays: it is told to who changes what is chosen then.
  const tell = useRef(change);
  tell.current = change;
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <Field label={label} help={help}>
      <input
        type="number"
        value={value}
        min={range.least}
        max={range.most}
        step={step}
        onChange={({ currentTarget }) => {
          const given = numberIn(currentTarget.value, { ...range, without: value });
          currentTarget.value = String(given);
          // Whoever clicks from 10 to 20 does not ask ten times.
          clearTimeout(timer.current);
          timer.current = setTimeout(() => given !== value && tell.current(given), 250);
        }}
      />
    </Field>
  );
}
