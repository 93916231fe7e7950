import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { automatonOf, choice, many, one, optional, sequence, some } from './automaton.ts';
import type { Automaton, Pattern } from './automaton.ts';

function accepts({ start, accepting, next }: Automaton, classes: readonly number[]): boolean {
  return classes.reduce((state, c) => next[state * 32 + c]!, start) >= accepting;
}

/** Random patterns over the classes 0 to 2, with the regular expression that means the same. */
const patterns = fc.letrec<{ pattern: { pattern: Pattern; source: string } }>((tie) => {
  const inner = tie('pattern');
  return {
    pattern: fc.oneof(
      { depthSize: 'small' },
      fc.subarray([0, 1, 2], { minLength: 1 }).map((classes) => ({
        pattern: one(classes.reduce((bits, c) => bits | (1 << c), 0)),
        source: `[${classes.join('')}]`,
      })),
      fc.tuple(inner, inner).map(([a, b]) => ({
        pattern: sequence(a.pattern, b.pattern),
        source: a.source + b.source,
      })),
      fc.tuple(inner, inner).map(([a, b]) => ({
        pattern: choice(a.pattern, b.pattern),
        source: `(?:${a.source}|${b.source})`,
      })),
      inner.map((a) => ({ pattern: many(a.pattern), source: `(?:${a.source})*` })),
      inner.map((a) => ({ pattern: some(a.pattern), source: `(?:${a.source})+` })),
      inner.map((a) => ({ pattern: optional(a.pattern), source: `(?:${a.source})?` })),
    ),
  };
}).pattern;

describe('automatonOf', () => {
  it('accepts what the same regular expression matches', () => {
    const texts = fc.array(fc.array(fc.nat(2), { maxLength: 6 }), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(patterns, texts, ({ pattern, source }, inputs) => {
        const automaton = automatonOf(pattern);
        const expression = new RegExp(`^(?:${source})$`);
        for (const input of inputs) expect(accepts(automaton, input)).toBe(expression.test(input.join('')));
      }),
    );
  });

  it('has the fewest states', () => {
    const ab = sequence(one(1), one(2));
    expect(automatonOf(choice(ab, sequence(one(1), one(2), many(ab)))).next.length / 32).toBe(4);
  });
});
