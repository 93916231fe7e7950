import { lineKinds, runStyle } from './run-style.ts';

/**
 * An element of `name` around `children`. Texts become text nodes and never markup, whatever is in them; attributes are the
 * page's own words or numbers.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** A text from outside on its own: it keeps its direction, and what stands around it keeps its own. */
export function isolated(text: string): HTMLElement {
  return element('bdi', {}, text);
}

/** The element of the page with an id, which is of a `type`. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} #${id}`);
}

/** The mark of the run with a number, in its colour and its kind of line. */
export function swatch(run: number): HTMLElement {
  const { colour, line } = runStyle(run);
  return element('span', { class: `swatch c${colour} ${lineKinds[line]}`, 'aria-hidden': 'true' });
}
