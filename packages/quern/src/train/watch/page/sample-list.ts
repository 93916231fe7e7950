import { element, isolated } from './elements.ts';
import type { SampledCompletion, SampledQuestion } from './wire.ts';
import { sampleText, signedText, withoutNoise } from './words.ts';

/** The orders that completions are shown in; missing rewards come last. */
const orders: Readonly<Record<string, (a: SampledCompletion, b: SampledCompletion) => number>> = {
  best: (a, b) => (b.reward ?? -Infinity) - (a.reward ?? -Infinity) || 0,
  worst: (a, b) => (a.reward ?? Infinity) - (b.reward ?? Infinity) || 0,
  long: (a, b) => (b.tokens ?? b.text.length) - (a.tokens ?? a.text.length),
  drawn: () => 0,
};

/** The completions of a question in the order with a name. */
export function ordered(completions: readonly SampledCompletion[], order: string): SampledCompletion[] {
  return completions.toSorted(orders[order] ?? orders['drawn']);
}

/** A question and its completions. Every text of them is shown as it is, and nothing in one is taken for markup. */
export function sampleElements(
  { question, prompt, completions }: SampledQuestion,
  order: string,
): HTMLElement[] {
  const about = element(
    'div',
    { class: 'question' },
    element('h3', {}, 'Question'),
    element('p', { class: 'prose', dir: 'auto', tabindex: '0' }, question),
  );
  if (prompt !== undefined) {
    const text = element('pre', { tabindex: '0', dir: 'auto' }, prompt);
    about.append(element('details', {}, element('summary', {}, 'The prompt, as the model got it'), text));
  }
  const list = ordered(completions, order).map((completion) =>
    element('li', {}, outcome(completion), ...foldedText(completion.text)),
  );
  return [about, element('ol', {}, ...list)];
}

function outcome({ reward, parts = {}, advantage, tokens, finish, failure }: SampledCompletion): HTMLElement {
  const line = element('p', { class: 'outcome' });
  const add = (name: string, value: string, style = ''): void => {
    const text = element('b', style === '' ? {} : { class: style }, isolated(value));
    line.append(element('span', {}, isolated(name), ' ', text));
  };
  if (reward !== undefined) add('reward', sampleText(reward), 'reward');
  if (advantage !== undefined) {
    const style = ['loss', '', 'gain'][Math.sign(withoutNoise(advantage)) + 1];
    add('advantage', signedText(advantage), style);
  }
  for (const [name, value] of Object.entries(parts)) add(name, sampleText(value));
  if (tokens !== undefined) add('tokens', String(tokens));
  if (finish === 'length') line.append(element('span', { class: 'loss' }, 'cut at the limit'));
  if (failure !== undefined) line.append(element('span', { class: 'loss' }, isolated(failure)));
  return line;
}

const foldedFrom = 500;

/** A text, and where it is long, what unfolds it. */
function foldedText(text: string): HTMLElement[] {
  const prose = element('p', { class: 'prose', dir: 'auto' }, text);
  if (text.trim() === '') return [element('p', { class: 'soft' }, 'The completion is empty.')];
  if (text.length < foldedFrom && text.split('\n').length < 6) return [prose];
  prose.classList.add('folded');
  const fold = element('button', { class: 'fold', type: 'button', 'aria-expanded': 'false' }, 'All of it');
  fold.addEventListener('click', () => {
    const isFolded = prose.classList.toggle('folded');
    fold.setAttribute('aria-expanded', String(!isFolded));
    fold.textContent = isFolded ? 'All of it' : 'Less of it';
  });
  return [prose, fold];
}
