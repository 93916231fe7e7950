/**
 * Porter's stemmer, M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, with its author's later
 * departures as Lucene's PorterStemmer has them: `bli` → `ble` in place of `abli` → `able`, `logi` → `log`, and words
 * of one or two letters are left alone. It works on UTF-16 units; whatever is not `a e i o u y` is a consonant.
 */

const A = 97;
const E = 101;
const I = 105;
const L = 108;
const O = 111;
const S = 115;
const T = 116;
const U = 117;
const W = 119;
const X = 120;
const Y = 121;
const Z = 122;

/** A suffix and what takes its place, as code units. */
type Rule = readonly [suffix: readonly number[], replacement: readonly number[]];

function units(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

function rules(text: string): Rule[] {
  return text.split(' ').map((rule) => {
    const [suffix = '', replacement = ''] = rule.split('>');
    return [units(suffix), units(replacement)];
  });
}

const EED = units('eed');
const ED = units('ed');
const ING = units('ing');
const SSES = units('sses');
const IES = units('ies');
const ION = units('ion');
const ENDINGS_WITHOUT_E = ['at', 'bl', 'iz'].map(units);

// Where two suffixes of a step end a word, the first of the list counts.
const STEP_2 = rules(
  'ational>ate tional>tion enci>ence anci>ance izer>ize bli>ble alli>al entli>ent eli>e ousli>ous ization>ize ' +
    'ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive biliti>ble logi>log',
);
const STEP_3 = rules('icate>ic ative> alize>al iciti>ic ical>ic ful> ness>');
const STEP_4 = 'al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize'
  .split(' ')
  .map(units);

/**
 * Stems the lower-case word in the first `length` units of `word`, in place, and returns the stem's length, which is
 * never above `length`.
 */
export function stem(word: Uint16Array, length: number): number {
  if (length < 3) return length;
  let end = withoutPlural(word, length);
  end = withoutPastOrGerund(word, end);
  if (endsWith(word, end, [Y]) && hasVowel(word, end - 1)) word[end - 1] = I;
  end = withSuffixReplaced(word, end, STEP_2);
  end = withSuffixReplaced(word, end, STEP_3);
  end = withoutSuffix(word, end);
  return withoutFinalE(word, end);
}

/** Step 1a. */
function withoutPlural(word: Uint16Array, length: number): number {
  if (word[length - 1] !== S) return length;
  if (endsWith(word, length, SSES) || endsWith(word, length, IES)) return length - 2;
  return word[length - 2] === S ? length : length - 1;
}

/** Step 1b. */
function withoutPastOrGerund(word: Uint16Array, length: number): number {
  if (endsWith(word, length, EED)) return measure(word, length - 3) > 0 ? length - 1 : length;
  const suffix = endsWith(word, length, ED) ? 2 : endsWith(word, length, ING) ? 3 : 0;
  const end = length - suffix;
  if (suffix === 0 || !hasVowel(word, end)) return length;
  if (ENDINGS_WITHOUT_E.some((ending) => endsWith(word, end, ending))) return withE(word, end);
  if (endsInDoubleConsonant(word, end)) {
    const last = word[end - 1];
    return last === L || last === S || last === Z ? end : end - 1;
  }
  return measure(word, end) === 1 && endsInShortSyllable(word, end) ? withE(word, end) : end;
}

function withE(word: Uint16Array, length: number): number {
  word[length] = E;
  return length + 1;
}

/** Steps 2 and 3: the first rule whose suffix ends the word, if a stem of measure above 0 stands before it. */
function withSuffixReplaced(word: Uint16Array, length: number, step: readonly Rule[]): number {
  for (const [suffix, replacement] of step) {
    if (!endsWith(word, length, suffix)) continue;
    const end = length - suffix.length;
    if (measure(word, end) === 0) return length;
    word.set(replacement, end);
    return end + replacement.length;
  }
  return length;
}

/** Step 4: the first suffix that ends the word goes, if a stem of measure above 1 stands before it. */
function withoutSuffix(word: Uint16Array, length: number): number {
  for (const suffix of STEP_4) {
    if (!endsWith(word, length, suffix)) continue;
    const end = length - suffix.length;
    if (suffix.length === ION.length && endsWith(word, length, ION)) {
      const before = end > 0 ? word[end - 1] : 0;
      if (before !== S && before !== T) return length;
    }
    return measure(word, end) > 1 ? end : length;
  }
  return length;
}

/** Step 5. */
function withoutFinalE(word: Uint16Array, length: number): number {
  let end = length;
  const syllables = measure(word, length);
  if (word[end - 1] === E && (syllables > 1 || (syllables === 1 && !endsInShortSyllable(word, end - 1))))
    end--;
  if (word[end - 1] === L && endsInDoubleConsonant(word, end) && syllables > 1) end--;
  return end;
}

function endsWith(word: Uint16Array, length: number, suffix: readonly number[]): boolean {
  const start = length - suffix.length;
  return start >= 0 && suffix.every((unit, i) => word[start + i] === unit);
}

function isConsonant(word: Uint16Array, index: number): boolean {
  const unit = word[index];
  if (unit === A || unit === E || unit === I || unit === O || unit === U) return false;
  return unit !== Y || index === 0 || !isConsonant(word, index - 1);
}

/** How often a vowel is followed by a consonant in the first `length` units: `m` of the paper. */
function measure(word: Uint16Array, length: number): number {
  let count = 0;
  let afterVowel = false;
  for (let i = 0; i < length; i++) {
    const consonant = isConsonant(word, i);
    if (consonant && afterVowel) count++;
    afterVowel = !consonant;
  }
  return count;
}

function hasVowel(word: Uint16Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (!isConsonant(word, i)) return true;
  return false;
}

function endsInDoubleConsonant(word: Uint16Array, length: number): boolean {
  return length > 1 && word[length - 1] === word[length - 2] && isConsonant(word, length - 1);
}

/** Consonant, vowel, consonant other than w, x and y: `*o` of the paper. */
function endsInShortSyllable(word: Uint16Array, length: number): boolean {
  const last = word[length - 1];
  return (
    length > 2 &&
    isConsonant(word, length - 1) &&
    !isConsonant(word, length - 2) &&
    isConsonant(word, length - 3) &&
    last !== W &&
    last !== X &&
    last !== Y
  );
}
