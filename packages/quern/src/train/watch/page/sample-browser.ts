import { askSamples, askSampleSteps } from './answers.ts';
import { byId, element } from './elements.ts';
import { sampleElements } from './sample-list.ts';
import type { ListedRun, SampleAnswer } from './wire.ts';

/** Samples of one run, step and question at a time. At the newest step it goes along with the run. */
export class SampleBrowser {
  readonly #run = byId('sample-run', HTMLSelectElement);
  readonly #step = byId('sample-step', HTMLInputElement);
  readonly #order = byId('sample-order', HTMLSelectElement);
  readonly #note = byId('sample-note', HTMLParagraphElement);
  readonly #place = byId('sample', HTMLDivElement);
  #steps: readonly number[] = [];
  #isNewest = true;
  #question = 0;
  /** What is shown, and of which run and step; a later one may have been asked for. */
  #shown: { readonly of: string; readonly answer: SampleAnswer } | undefined;
  #wanted = '';

  constructor() {
    byId('sample-choice', HTMLFormElement).addEventListener('submit', (event) => event.preventDefault());
    this.#run.addEventListener('change', () => {
      this.#isNewest = true;
      this.#question = 0;
      void this.#askSteps();
    });
    this.#step.addEventListener('input', () => this.#moveTo(this.#step.valueAsNumber));
    this.#order.addEventListener('change', () => this.#draw());
    for (const [name, by] of [['before', -1] as const, ['after', 1] as const]) {
      byId(`step-${name}`, HTMLButtonElement).addEventListener('click', () =>
        this.#moveTo(this.#step.valueAsNumber + by),
      );
      byId(`question-${name}`, HTMLButtonElement).addEventListener('click', () => {
        this.#question += by;
        this.#draw();
      });
    }
  }

  /** Looks for new samples of these runs. */
  async refresh(runs: readonly ListedRun[]): Promise<void> {
    const names = runs.map(({ name }) => name);
    const known = Array.from(this.#run.options, ({ text }) => text);
    if (JSON.stringify(names) !== JSON.stringify(known)) {
      const { value } = this.#run;
      this.#run.replaceChildren(...names.map((name, i) => element('option', { value: String(i) }, name)));
      if (Number(value) < names.length) this.#run.value = value || '0';
    }
    byId('sample-run-label', HTMLLabelElement).hidden = runs.length < 2;
    const isAny = runs.some(({ hasSamples }) => hasSamples);
    byId('samples', HTMLElement).hidden = !isAny;
    byId('contents', HTMLElement).hidden = !isAny;
    if (isAny) await this.#askSteps();
  }

  async #askSteps(): Promise<void> {
    const run = Number(this.#run.value);
    const { steps } = await askSampleSteps(run);
    // Another run was chosen meanwhile.
    if (run !== Number(this.#run.value)) return;
    const current = this.#steps[this.#step.valueAsNumber];
    this.#steps = steps;
    for (const id of ['sample-place', 'question-place', 'order-label'])
      byId(id, HTMLElement).hidden = steps.length === 0;
    this.#step.max = String(Math.max(steps.length - 1, 0));
    const same = this.#isNewest || current === undefined ? -1 : steps.indexOf(current);
    await this.#show(same === -1 ? steps.length - 1 : same);
  }

  #moveTo(place: number): void {
    this.#isNewest = place >= this.#steps.length - 1;
    this.#show(place).catch(() => {
      this.#note.textContent = 'These samples cannot be read.';
    });
  }

  async #show(at: number): Promise<void> {
    const place = Math.min(Math.max(at, 0), Math.max(this.#steps.length - 1, 0));
    this.#step.value = String(place);
    this.#step.disabled = this.#steps.length < 2;
    byId('step-before', HTMLButtonElement).disabled = place === 0;
    byId('step-after', HTMLButtonElement).disabled = place >= this.#steps.length - 1;
    const step = this.#steps[place];
    const words = step === undefined ? '–' : String(step);
    byId('sample-step-value', HTMLOutputElement).value = words;
    this.#step.setAttribute('aria-valuetext', `step ${words}`);
    const run = Number(this.#run.value);
    this.#wanted = `${run} ${words}`;
    if (step === undefined) {
      this.#shown = undefined;
      this.#draw();
      return;
    }
    if (this.#wanted === this.#shown?.of) return;
    const of = this.#wanted;
    const answer = await askSamples(run, step);
    if (of !== this.#wanted) return;
    this.#shown = { of, answer };
    this.#draw();
  }

  #draw(): void {
    const { questions = [], isCut = false, unreadable = 0 } = this.#shown?.answer ?? {};
    this.#question = Math.min(Math.max(this.#question, 0), Math.max(questions.length - 1, 0));
    const question = questions[this.#question];
    byId('question-value', HTMLOutputElement).value =
      question === undefined ? '–' : `${this.#question + 1} of ${questions.length}`;
    byId('question-before', HTMLButtonElement).disabled = this.#question === 0;
    byId('question-after', HTMLButtonElement).disabled = this.#question >= questions.length - 1;
    const notes: string[] = [];
    if (this.#shown === undefined) notes.push('The run has kept no samples yet.');
    else if (questions.length === 0) notes.push('There are no samples in the file of this step.');
    if (isCut) notes.push('The file is large, and only its beginning is shown.');
    if (unreadable > 0) notes.push(`Lines that cannot be read: ${unreadable}.`);
    const text = notes.join(' ');
    if (this.#note.textContent !== text) this.#note.textContent = text;
    this.#place.replaceChildren(
      ...(question === undefined ? [] : sampleElements(question, this.#order.value)),
    );
  }
}
