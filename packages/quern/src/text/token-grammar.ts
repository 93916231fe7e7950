import { automatonOf, choice, many, one, optional, sequence, some } from './automaton.ts';
import type { Automaton, Pattern } from './automaton.ts';
import { TOKEN_CLASSES } from './word-break-table.ts';

/** Any character that is in one of the named sets and in none of `without`. */
function anyOf(sets: readonly string[], without: readonly string[] = []): Pattern {
  let classes = 0;
  for (const [number, names] of TOKEN_CLASSES.entries()) {
    if (names.some((name) => sets.includes(name)) && !names.some((name) => without.includes(name))) {
      classes |= 1 << number;
    }
  }
  return one(classes);
}

/** A character of the named sets with the marks that belong to it (UAX #29, rule WB4). */
function marked(...sets: string[]): Pattern {
  return sequence(anyOf(sets), many(anyOf(['Extend'])));
}

/** As {@link marked}, but the presentation selectors are no marks: emoji sequences need to see them. */
function markedEmoji(set: string): Pattern {
  return sequence(anyOf([set]), many(anyOf(['Extend'], ['TextSelector', 'EmojiSelector'])));
}

/**
 * The automaton of the tokens of Lucene's StandardTokenizer, after the grammar of Lucene 9.9
 * (`StandardTokenizerImpl.jflex`): what UAX #29 calls a word if it has a letter, a digit or katakana; runs of
 * South-East-Asian characters; single ideographs and hiragana; emoji sequences (UTS #51). The types that Lucene gives
 * its tokens are left out, nothing here asks for them.
 */
export function tokenAutomaton(): Automaton {
  const letter = marked('ALetter', 'HebrewLetter');
  const hebrew = marked('HebrewLetter');
  const numeric = marked('Numeric');
  const katakana = marked('Katakana');
  const joiner = marked('ExtendNumLet');
  const midLetter = marked('MidLetter', 'MidNumLet', 'SingleQuote');
  const midNumber = marked('MidNum', 'MidNumLet', 'SingleQuote');

  const run = choice(
    some(katakana),
    some(
      choice(
        sequence(hebrew, choice(marked('SingleQuote'), sequence(marked('DoubleQuote'), hebrew))),
        sequence(numeric, many(sequence(midNumber, numeric))),
        sequence(letter, many(sequence(midLetter, letter))),
      ),
    ),
  );
  const word = sequence(many(joiner), run, many(sequence(some(joiner), run)), many(joiner));

  const zwj = anyOf(['ZWJ']);
  const selector = anyOf(['EmojiSelector']);
  const emoji = choice(
    sequence(many(zwj), markedEmoji('Emoji'), optional(selector)),
    sequence(optional(sequence(many(zwj), markedEmoji('EmojiModifierBase'))), markedEmoji('EmojiModifier')),
  );
  const tags = sequence(some(anyOf(['Tag'])), anyOf(['TagEnd']));
  const emojiSequence = sequence(emoji, choice(many(sequence(zwj, emoji)), tags));
  const keyCap = sequence(markedEmoji('KeyCapBase'), optional(selector), markedEmoji('KeyCap'));
  const flag = sequence(marked('Flag'), marked('Flag'));

  return automatonOf(
    choice(
      word,
      some(marked('SouthEastAsian')),
      marked('Han'),
      marked('Hiragana'),
      emojiSequence,
      keyCap,
      flag,
    ),
  );
}
