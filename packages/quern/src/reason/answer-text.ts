/**
 * What of a completion is the answer. Models that think first write `<think>…</think>` and then the answer, bare or in
 * `<answer>…</answer>`; where the prompt's template has written the `<think>`, only `</think>` is left of the first tag.
 * Tags count at the very start of a completion, and right after its thoughts: what stands later is what the text is about.
 */

/** Where the answer of a text lies. */
export interface AnswerPlace {
  /** Where it begins, in characters of the text. */
  readonly start: number;
  /** Where it ends: at `</answer>`, or the text's end. */
  readonly end: number;
}

const opening = '<think>';
const closing = '</think>';
const answerOpening = '<answer>';
const answerClosing = '</answer>';

/**
 * Where the answer of a text lies; undefined where it has not begun, or, of a whole text, where there is none.
 *
 * While a text still comes, what may be the beginning of a tag is not yet part of the answer. The start that is given for
 * less of a text holds for all of it, with one exception: thoughts without a `<think>` pass for the answer until their
 * `</think>` comes.
 */
export function answerPlace(
  text: string,
  { isWhole = false }: { readonly isWhole?: boolean } = {},
): AnswerPlace | undefined {
  const thoughts = endOfThoughts(text, isWhole);
  if (thoughts === undefined) return undefined;
  const first = firstVisible(text, thoughts);
  if (text.startsWith(answerOpening, first)) return insideTags(text, first + answerOpening.length, isWhole);
  const tags = thoughts > 0 ? [opening, answerOpening, closing] : [opening, answerOpening];
  if (!isWhole && isBeginningOf(tags, text.slice(first, first + answerOpening.length))) return undefined;
  // A text without tags is left as it is, to the last space.
  const start = thoughts === 0 ? 0 : first;
  if (isWhole) return start < text.length || thoughts === 0 ? { start, end: text.length } : undefined;
  return { start, end: thoughts > 0 ? text.length : endBeforeClosing(text) };
}

/** Of a text without tags so far: its end, or where a `</think>` may come, of which it is not clear yet what it closes. */
function endBeforeClosing(text: string): number {
  const closed = unopenedClosing(text);
  if (closed < 0) return text.length - heldBack(text, 0, closing);
  const next = text.slice(firstVisible(text, closed + closing.length));
  return next.length < answerOpening.length && answerOpening.startsWith(next) ? closed : text.length;
}

function insideTags(text: string, from: number, isWhole: boolean): AnswerPlace | undefined {
  const start = firstVisible(text, from);
  const closed = text.indexOf(answerClosing, start);
  const end = closed >= 0 ? closed : text.length - (isWhole ? 0 : heldBack(text, start, answerClosing));
  const isBegun = start < text.length && (end > start || closed < 0);
  return isBegun ? { start, end } : undefined;
}

/** Where the thoughts at the start of a text end: 0 where there are none, undefined where they have not ended. */
function endOfThoughts(text: string, isWhole: boolean): number | undefined {
  let end = 0;
  if (!text.startsWith(opening, firstVisible(text, 0))) {
    const closed = unopenedClosing(text);
    if (closed < 0 || !closesUnopened(text, closed, isWhole)) return 0;
    end = closed + closing.length;
  }
  for (;;) {
    const next = firstVisible(text, end);
    if (text.startsWith(opening, next)) {
      const closed = matchingClosing(text, next + opening.length);
      if (closed === undefined) return undefined;
      end = closed + closing.length;
    } else if (text.startsWith(closing, next)) {
      // Models that go astray close their thoughts more than once.
      end = next + closing.length;
    } else return end;
  }
}

/**
 * Where the `</think>` is that closes thoughts from `from` on. Models tell themselves that they are to write `<think>` and
 * `</think>`: such a pair, close together in one line, closes nothing.
 */
function matchingClosing(text: string, from: number): number | undefined {
  let closed = text.indexOf(closing, from);
  for (let at = from; closed >= 0; closed = text.indexOf(closing, at)) {
    const mentioned = text.lastIndexOf(opening, closed);
    const isPair = mentioned >= at && closed - mentioned <= longestMention;
    if (!isPair || text.slice(mentioned, closed).includes('\n')) return closed;
    at = closed + closing.length;
  }
  return undefined;
}

const longestMention = 60;

/** Where a `</think>` is with no `<think>` before it, or -1. */
function unopenedClosing(text: string): number {
  const closed = text.indexOf(closing);
  return closed >= 0 && text.lastIndexOf(opening, closed) < 0 ? closed : -1;
}

/** Whether a tag ends thoughts that the prompt has opened: it begins or ends its line, or an `<answer>` follows. */
function closesUnopened(text: string, closed: number, isWhole: boolean): boolean {
  const end = closed + closing.length;
  const beginsLine = text.slice(text.lastIndexOf('\n', closed) + 1, closed).trim() === '';
  const next = firstVisible(text, end);
  const endsLine = text.slice(end, next).includes('\n') || (isWhole && next === text.length);
  return beginsLine || endsLine || text.startsWith(answerOpening, next);
}

function firstVisible(text: string, from: number): number {
  const visible = /\S/g;
  visible.lastIndex = from;
  return visible.exec(text)?.index ?? text.length;
}

function isBeginningOf(tags: readonly string[], text: string): boolean {
  return tags.some((tag) => tag.startsWith(text));
}

/** How many characters at the text's end may be the beginning of a tag. */
function heldBack(text: string, start: number, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length - start); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}

/** What stands before the answer, without its tags; empty where there is nothing. */
export function thoughtsOf(text: string): string {
  return text
    .replace(/^\s*<think>/, '')
    .replace(/(?:<\/think>\s*)+(?:<answer>\s*)?$/, '')
    .replace(/^\s*<answer>\s*$/, '')
    .trim();
}
