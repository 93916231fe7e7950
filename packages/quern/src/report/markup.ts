/** Text that is HTML already. */
export class Markup {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** What may stand in a template: text and numbers, which are escaped, markup, lists of these, or nothing. */
export type Content = string | number | Markup | null | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * `text` for an element's content or a quoted attribute. What HTML and UTF-8 cannot hold, control characters and
 * surrogates without their other half, becomes U+FFFD.
 */
export function escapeText(text: string): string {
  return text
    .replaceAll(/[&<>"']/gu, (character) => entities[character])
    .replaceAll(/[\p{Surrogate}\p{Noncharacter_Code_Point}]|(?![\t\n\r])\p{Cc}/gu, '\uFFFD');
}

/** The tag of templates that are HTML: whatever is put into one is escaped, unless it is markup. */
export function markup(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(
    strings.reduce((source, string, i) => source + sourceOf(values[i - 1] ?? null) + string, ''),
  );
}

function sourceOf(content: Content): string {
  if (content === null) return '';
  if (content instanceof Markup) return content.source;
  if (typeof content === 'string') return escapeText(content);
  if (typeof content === 'number') return String(content);
  return content.map(sourceOf).join('');
}

/** `text` inside a line, its direction kept from what stands around it. */
export function isolated(text: string): Markup {
  return markup`<bdi>${text}</bdi>`;
}

/** `text` for a `title`, where no element can isolate it: between U+2068 and U+2069, and without such characters itself. */
export function isolatedPlain(text: string): string {
  return `\u2068${text.replaceAll(/[\u202A-\u202E\u2066-\u2069]/gu, '')}\u2069`;
}
