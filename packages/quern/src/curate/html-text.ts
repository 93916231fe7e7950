import { Parser } from 'htmlparser2';

/** What a post's HTML comes to. */
export interface PostText {
  readonly text: string;
  /** Whether it shows an image. */
  readonly hasImage: boolean;
}

/** What is nested deeper is not read: no post is, and the parser's time grows with the square of the depth. */
const mostDepth = 1000;

/** Elements whose content is no text of the post. */
const hidden = new Set([
  'script',
  'style',
  'template',
  'noscript',
  'iframe',
  'object',
  'svg',
  'math',
  'head',
  'title',
  'textarea',
  'select',
  'canvas',
  'audio',
  'video',
]);
/** Elements with a paragraph's distance around them. */
const blocks = new Set([
  'p',
  'div',
  'section',
  'article',
  'blockquote',
  'pre',
  'ul',
  'ol',
  'dl',
  'table',
  'figure',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'hr',
  'details',
  'summary',
]);
/** Elements that begin on a line of their own. */
const lines = new Set(['li', 'tr', 'dt', 'dd', 'caption', 'figcaption']);

/**
 * The text of a post's HTML: paragraphs with a blank line between them, items of lists on lines with `- ` or their number,
 * code blocks with their lines and indents as they are, cells of a table with ` | ` between them, links as their text,
 * exponents after a `^`. Formulas are text in these posts and stay. What is no text (scripts, styles, comments, attributes)
 * is left out; nothing is decoded twice, so that markup which a post quotes stays quoted text. Of a post with more than 1,000
 * elements in each other, the text up to there.
 */
export function htmlText(html: string): PostText {
  const writer = new TextWriter();
  let hiddenDepth = 0;
  let hasImage = false;
  const lists: { isOrdered: boolean; next: number }[] = [];
  let preformatted = 0;
  let cells = 0;
  let depth = 0;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (++depth > mostDepth) throw new TooDeep();
        if (name === 'img' && hiddenDepth === 0) hasImage = true;
        if (hidden.has(name)) hiddenDepth++;
        if (hiddenDepth > 0) return;
        if (name === 'br') writer.lineBreak();
        else if (blocks.has(name)) {
          // Lists in lists go on without a distance.
          if ((name === 'ul' || name === 'ol') && lists.length > 0) writer.lineBreak();
          else writer.paragraph();
        } else if (lines.has(name)) writer.lineBreak();
        if (name === 'pre') preformatted++;
        else if (name === 'ul' || name === 'ol') {
          const start = Number(attributes['start'] ?? 1);
          lists.push({ isOrdered: name === 'ol', next: Number.isSafeInteger(start) ? start : 1 });
        } else if (name === 'li') {
          const list = lists.at(-1);
          const indent = '  '.repeat(Math.min(20, Math.max(0, lists.length - 1)));
          writer.prefix(`${indent}${list?.isOrdered ? `${list.next++}.` : '-'} `);
        } else if (name === 'tr') cells = 0;
        else if (name === 'td' || name === 'th') {
          if (cells++ > 0) writer.raw(' | ');
        } else if (name === 'sup') writer.raw('^');
      },
      ontext(text) {
        if (hiddenDepth > 0) return;
        if (preformatted > 0) writer.preformatted(text);
        else writer.inline(text);
      },
      onclosetag(name) {
        depth--;
        if (hidden.has(name)) {
          if (hiddenDepth > 0) hiddenDepth--;
          return;
        }
        if (hiddenDepth > 0) return;
        if (name === 'pre' && preformatted > 0) preformatted--;
        if (name === 'ul' || name === 'ol') {
          lists.pop();
          if (lists.length > 0) writer.lineBreak();
          else writer.paragraph();
        } else if (blocks.has(name)) writer.paragraph();
        else if (lines.has(name)) writer.lineBreak();
        if (name === 'li') writer.prefix('');
      },
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );
  try {
    parser.end(html);
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
  }
  return { text: writer.text(), hasImage };
}

/** Ends the parsing. */
class TooDeep extends Error {}

/** `text` without what no text should hold: control characters but tab and line feed, lone halves of surrogate pairs. */
export function cleanText(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/(?![\t\n])\p{Cc}/gu, '')
    .replaceAll(/\p{Zs}/gu, ' ')
    .replaceAll(/\p{Surrogate}/gu, '\ufffd');
}

/** How many line feeds a text ends with. */
function endingFeeds(text: string): number {
  let count = 0;
  while (text.charCodeAt(text.length - 1 - count) === 0x0a) count++;
  return count;
}

/** Puts a text together, with no more white space than belongs. */
class TextWriter {
  readonly #parts: string[] = [];
  /** Line feeds that are due before the next text. */
  #due = 0;
  /** Line feeds that the text ends with as it is. */
  #endingFeeds = 0;
  #space = false;
  #isEmpty = true;
  /** What the next text begins with, such as the mark of a list's item. */
  #prefix = '';
  #atLineStart = true;

  paragraph(): void {
    if (this.#prefix !== '') return;
    this.#due = Math.max(this.#due, 2);
    this.#space = false;
  }

  lineBreak(): void {
    this.#due = Math.max(this.#due, 1);
    this.#space = false;
  }

  prefix(text: string): void {
    this.#prefix = text;
  }

  raw(text: string): void {
    this.#put(text);
  }

  /** White space counts as one space, and as none at the beginning of a line. */
  inline(text: string): void {
    const flat = text.replaceAll(/\s+/gu, ' ');
    if (flat === '') return;
    const words = flat.trim();
    if (flat.startsWith(' ')) this.#space = true;
    if (words === '') return;
    this.#put(words);
    this.#space = flat.endsWith(' ');
  }

  preformatted(text: string): void {
    if (text === '') return;
    this.#put(text);
    this.#space = false;
  }

  text(): string {
    return cleanText(this.#parts.join(''))
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd()
      .replace(/^\n+/, '');
  }

  #put(text: string): void {
    if (this.#due > 0 && !this.#isEmpty) {
      this.#parts.push('\n'.repeat(Math.max(0, this.#due - this.#endingFeeds)));
      this.#atLineStart = true;
    }
    this.#due = 0;
    if (this.#prefix !== '') {
      this.#parts.push(this.#prefix);
      this.#prefix = '';
      this.#atLineStart = true;
      this.#space = false;
    }
    if (this.#space && !this.#atLineStart) this.#parts.push(' ');
    this.#parts.push(text);
    this.#space = false;
    this.#atLineStart = text.endsWith('\n');
    this.#endingFeeds = endingFeeds(text);
    this.#isEmpty = false;
  }
}
