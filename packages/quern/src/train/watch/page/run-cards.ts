import { validationTitle } from './chart-list.ts';
import { byId, element, isolated, swatch } from './elements.ts';
import type { RunSeries } from './run-series.ts';
import { timeLeft } from './time-left.ts';
import type { ListedRun, RunState } from './wire.ts';
import { durationText, valueText } from './words.ts';

const statusWords: Readonly<Record<string, string>> = {
  running: 'Running',
  done: 'Done',
  stopped: 'Stopped',
  failed: 'Failed',
};

/** The runs as a list: whether each is drawn, how it fares, and what it was configured with. */
export class RunCards {
  readonly #cards: RunCard[] = [];
  readonly #onToggle: () => void;

  /** `onToggle` is called when a run is switched on or off. */
  constructor(onToggle: () => void) {
    this.#onToggle = onToggle;
  }

  /** Shows the runs as they are now. */
  show(runs: readonly ListedRun[], series: readonly RunSeries[]): void {
    runs.forEach((run, i) => {
      let card = this.#cards[i];
      if (card === undefined) {
        card = new RunCard(i, this.#onToggle);
        this.#cards.push(card);
        byId('runs', HTMLUListElement).append(card.item);
      }
      card.show(run, series[i]!);
    });
    for (const card of this.#cards.splice(runs.length)) card.item.remove();
  }

  isOn(run: number): boolean {
    return this.#cards[run]?.isOn ?? true;
  }
}

class RunCard {
  readonly item: HTMLLIElement;
  readonly #toggle = element('input', { type: 'checkbox', checked: '' });
  readonly #name = isolated('');
  readonly #progress = element('progress', { max: '1', value: '0' });
  readonly #state = element('p', { class: 'state' });
  readonly #error = element('p', { class: 'error loss', tabindex: '0' });
  readonly #note = element('p', { class: 'note' });
  readonly #facts = element('dl', { class: 'facts' });
  readonly #configuration = element('details', {}, element('summary', {}, 'Configuration'), this.#facts);
  #summary = '';

  constructor(run: number, onToggle: () => void) {
    const label = element('label', { class: 'name' }, this.#toggle, swatch(run), this.#name);
    this.#progress.setAttribute('aria-label', 'Steps that are done');
    this.item = element(
      'li',
      {},
      label,
      this.#progress,
      this.#state,
      this.#error,
      this.#note,
      this.#configuration,
    );
    this.#toggle.addEventListener('change', onToggle);
  }

  get isOn(): boolean {
    return this.#toggle.checked;
  }

  show(run: ListedRun, series: RunSeries): void {
    const { name, state, summary } = run;
    setText(this.#name, name);
    const step = Math.max(state?.step ?? 0, series.trained.at(-1)?.step ?? 0);
    this.#progress.max = Math.max(state?.max_steps ?? 1, 1);
    this.#progress.value = step;
    this.#state.replaceChildren(element('b', {}, statusOf(run, step)), ` · ${restOf(run, series, step)}`);
    this.#error.hidden = state?.error === undefined;
    setText(this.#error, state?.error ?? '');
    const notes = notesOf(series);
    this.#note.hidden = notes === '';
    setText(this.#note, notes);
    this.#configuration.hidden = summary.length === 0;
    const text = JSON.stringify(summary);
    if (text === this.#summary) return;
    this.#summary = text;
    this.#facts.replaceChildren(
      ...summary.flatMap(([key, value]) => [
        element('dt', {}, key.replaceAll('_', ' ')),
        element('dd', {}, isolated(value)),
      ]),
    );
  }
}

/** Changes a text only where it is another, so that what is marked in it stays marked. */
function setText(of: HTMLElement, text: string): void {
  if (of.textContent !== text) of.textContent = text;
}

function statusOf({ state, isAlive }: ListedRun, step: number): string {
  if (state === undefined) return step === 0 ? 'Not begun' : 'State unknown';
  if (isAlive === false) return 'Running elsewhere, or broken off';
  return statusWords[state.status] ?? state.status;
}

function restOf({ state, isAlive, written }: ListedRun, series: RunSeries, step: number): string {
  if (state === undefined) return step === 0 ? 'nothing is written yet' : `step ${step}`;
  const { status, max_steps: most, best } = state;
  const left = status === 'running' && isAlive !== false ? timeLeft(series.trained, most) : undefined;
  const parts = [`step ${step} of ${most}`];
  if (left !== undefined) parts.push(`about ${durationText(left)} left`);
  if (status === 'running' && written !== undefined)
    parts.push(`last wrote ${durationText(Date.now() - written)} ago`);
  if (best !== undefined) parts.push(`best validation at step ${best.step}: ${bestText(best)}`);
  return parts.join(' · ');
}

function bestText({ metric, value }: NonNullable<RunState['best']>): string {
  const title = validationTitle(metric);
  return `${title.charAt(0).toLowerCase()}${title.slice(1)} ${valueText(value, 'number')}`;
}

function notesOf({ stride, unreadable }: RunSeries): string {
  const notes: string[] = [];
  if (stride > 1) notes.push(`One step of ${stride} is drawn.`);
  if (unreadable > 0)
    notes.push(`${unreadable} ${unreadable === 1 ? 'line' : 'lines'} of metrics cannot be read.`);
  return notes.join(' ');
}
