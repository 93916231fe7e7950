import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
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
  concat: 'concatenate',
  interpolate: 'interpolate',
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
      <Choice label="Index" value={index} names={config.indexes} choose={(name) => change({ index: name })} />
      <Choice
        label="Reasoner"
        value={reasoner}
        names={config.reasoners.filter((name) => name !== 'none')}
        choose={(name) => change({ reasoner: name })}
      />
      <Choice
        label="Retriever"
        value={retriever}
        names={config.retrievers}
        without={own === undefined ? "the index's own" : `${own} (the index's)`}
        choose={(name) => change({ retriever: name })}
      />
      <Field label="Combination">
        <select
          value={kind}
          onChange={({ currentTarget: { value } }) => change({ combine: combinationOf(value) })}
        >
          {combinations.map((each) => (
            <option key={each} value={each}>
              {combinationWords[each]}
            </option>
          ))}
        </select>
      </Field>
      {kind === 'concat' && (
        <NumberField
          label="Times"
          value={number ?? 1}
          range={{ least: 1, most: 100, isWhole: true }}
          change={(value) => change({ combine: combinationOf(kind, value) })}
        />
      )}
      {kind === 'interpolate' && (
        <NumberField
          label="Question's weight"
          value={number ?? 0.5}
          range={{ least: 0, most: 1 }}
          step={0.1}
          change={(value) => change({ combine: combinationOf(kind, value) })}
        />
      )}
      <NumberField
        label="Hits"
        value={k}
        range={{ least: 1, most: Math.min(mostHits, config.limits.k), isWhole: true }}
        change={(value) => change({ k: value })}
      />
      <label class="check">
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
            value={reranker}
            names={config.rerankers}
            without="none"
            choose={(name) => change({ reranker: name })}
          />
        )}
        <NumberField
          label="Key terms, least share"
          value={keyTerms}
          range={{ least: 0, most: 0.99 }}
          step={0.05}
          change={(value) => change({ keyTerms: value })}
        />
        <NumberField
          label="Rounds"
          value={rounds}
          range={{ least: 1, most: 5, isWhole: true }}
          change={(value) => change({ rounds: value })}
        />
        {(hasGate || !gate) && (
          <label class="check">
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

function Field({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    <label class="field">
      <span>{label}</span>
      {children}
    </label>
  );
}

/** A choice among names; a name that an address brought, and that is none of them, stays to be seen. */
function Choice({
  label,
  value,
  names,
  without,
  choose,
}: {
  readonly label: string;
  readonly value: string;
  readonly names: readonly string[];
  /** What stands for none; undefined where there must be one. */
  readonly without?: string;
  choose(name: string): void;
}) {
  const isUnknown = value !== '' && !names.some((name) => name === value);
  return (
    <Field label={label}>
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
  value,
  range,
  step = 1,
  change,
}: {
  readonly label: string;
  readonly value: number;
  readonly range: { readonly least: number; readonly most: number; readonly isWhole?: boolean };
  readonly step?: number;
  change(value: number): void;
}) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  return (
    <Field label={label}>
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
          timer.current = setTimeout(() => given !== value && change(given), 250);
        }}
      />
    </Field>
  );
}
