import { useRef } from 'preact/hooks';

/** Tabs above panels whose ids are `panel-` and the tab's key; arrow keys go from one to the next. */
export function Tabs({
  label,
  tabs,
  chosen,
  choose,
}: {
  readonly label: string;
  readonly tabs: readonly { readonly key: string; readonly title: string }[];
  readonly chosen: string;
  choose(key: string): void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const go = (steps: number): void => {
    const at = tabs.findIndex(({ key }) => key === chosen);
    const next = (at + steps + tabs.length) % tabs.length;
    choose(tabs[next]!.key);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} ref={list}>
      {tabs.map(({ key, title }) => (
        <button
          key={key}
          type="button"
          role="tab"
          id={`tab-${key}`}
          aria-selected={key === chosen}
          aria-controls={`panel-${key}`}
          tabIndex={key === chosen ? 0 : -1}
          onClick={() => choose(key)}
          onKeyDown={(event) => {
            const steps = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
            if (steps === undefined) return;
            event.preventDefault();
            go(steps);
          }}
        >
          {title}
        </button>
      ))}
    </div>
  );
}
