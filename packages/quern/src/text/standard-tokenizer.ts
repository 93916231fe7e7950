import { codePointClasses, codePointWithin } from './code-point-classes.ts';
import { tokenAutomaton } from './token-grammar.ts';
import { TOKEN_RUNS } from './word-break-table.ts';

/** Lucene's limit: a token of more UTF-16 units is cut, and goes on as another token. */
export const MAX_TOKEN_LENGTH = 255;

/** What an ASCII character can be to the scan. */
const NOTHING = 0; // begins no token and ends any
const JOINS = 1; // begins no token, but may stand inside one: the apostrophe, the full stop
const ALNUM = 2; // an ASCII letter or digit
const BEGINS = 3; // may begin a token, and is no letter or digit: the underscore, the number sign

/** The grammar's automaton, and what it reads: classes of code points, roles of ASCII characters. */
interface Scanner {
  readonly start: number;
  readonly accepting: number;
  readonly next: Uint8Array;
  readonly classes: Uint8Array;
  readonly roles: Uint8Array;
}

let scanner: Scanner | undefined;

function newScanner(): Scanner {
  const classes = codePointClasses(TOKEN_RUNS);
  const { start, accepting, next } = tokenAutomaton();
  const after = (state: number, unit: number) => next[state * 32 + classes[unit]];
  const roles = Uint8Array.from({ length: 128 }, (_, unit) => {
    if (/[A-Za-z0-9]/.test(String.fromCharCode(unit))) return ALNUM;
    if (after(start, unit) !== 0) return BEGINS;
    return [97, 48].every((inside) => after(after(start, inside), unit) === 0) ? NOTHING : JOINS;
  });
  return { start, accepting, next, classes, roles };
}

/**
 * The tokens of `text` as Lucene's StandardTokenizer finds them: start and end of each in turn, in UTF-16 code units.
 *
 * A token is the longest match of the grammar in the 255 units from its start (254 where the 255th is the first half
 * of a surrogate pair); a character that begins no match is skipped. The one departure from Lucene: where a text ends
 * in an unpaired high surrogate, Lucene takes the last buffer it read for the end and loses its tokens; here only the
 * surrogate is skipped.
 */
export function standardTokens(text: string): number[] {
  const { roles } = (scanner ??= newScanner());
  const tokens: number[] = [];
  const length = text.length;
  for (let start = 0; start < length;) {
    const unit = text.charCodeAt(start);
    const role = unit < 128 ? roles[unit] : BEGINS;
    if (role < ALNUM) {
      start++;
      continue;
    }
    const plainEnd = role === ALNUM ? plainWordEnd(text, start, roles) : 0;
    const end = plainEnd === 0 ? tokenEnd(text, start, scanner) : plainEnd;
    if (end === 0) {
      start += codePointWithin(text, start, length) > 0xffff ? 2 : 1;
    } else {
      tokens.push(start, end);
      start = end;
    }
  }
  return tokens;
}

/**
 * The end of the token at `start` where it consists of ASCII letters and digits and what follows shows that it ends
 * there; 0 where {@link tokenEnd} has to decide.
 */
function plainWordEnd(text: string, start: number, roles: Uint8Array): number {
  const limit = Math.min(text.length, start + MAX_TOKEN_LENGTH);
  let end = start + 1;
  let role = ALNUM;
  for (; end < limit; end++) {
    const unit = text.charCodeAt(end);
    if (unit >= 128) return 0;
    role = roles[unit];
    if (role !== ALNUM) break;
  }
  if (end === limit) return limit === text.length ? end : 0;
  if (role === NOTHING) return end;
  if (role === BEGINS) return 0;
  // A full stop or an apostrophe is inside the word only if a letter or a digit (or its mark) comes next.
  if (end + 1 === text.length) return end;
  const after = text.charCodeAt(end + 1);
  return after < 128 && roles[after] !== ALNUM ? end : 0;
}

/** The end of the longest match of the grammar from `start`; 0 where nothing matches. */
function tokenEnd(
  text: string,
  start: number,
  { start: initial, accepting, next, classes }: Scanner,
): number {
  const limit = Math.min(text.length, start + MAX_TOKEN_LENGTH);
  let end = 0;
  let state = initial;
  for (let at = start; at < limit;) {
    const codePoint = codePointWithin(text, at, limit);
    state = next[(state << 5) | classes[codePoint]];
    if (state === 0) break;
    at += codePoint > 0xffff ? 2 : 1;
    if (state >= accepting) end = at;
  }
  return end;
}
