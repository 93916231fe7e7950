/** A regular expression over character classes, which are numbers from 0 to 31. */
export type Pattern =
  | { readonly kind: 'one'; readonly classes: number }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly part: Pattern };

/** One character of the classes whose bits are set. */
export const one = (classes: number): Pattern => ({ kind: 'one', classes });
/** The parts one after the other. */
export const sequence = (...parts: Pattern[]): Pattern => ({ kind: 'sequence', parts });
/** Any one of the parts. */
export const choice = (...parts: Pattern[]): Pattern => ({ kind: 'choice', parts });
/** The part any number of times, or never. */
export const many = (part: Pattern): Pattern => ({ kind: 'repeat', part });
/** The part once or more. */
export const some = (part: Pattern): Pattern => sequence(part, many(part));
/** The part or nothing. */
export const optional = (part: Pattern): Pattern => choice(part, sequence());

/** A deterministic automaton: state 0 is dead, `start` is where a match begins, states from `accepting` on accept. */
export interface Automaton {
  readonly start: number;
  readonly accepting: number;
  /** The next state of state `s` at class `c` is at `s * 32 + c`. */
  readonly next: Uint8Array;
}

/** Positions of a pattern (its `one` nodes), as the position construction of Glushkov (1961) needs them. */
interface Positions {
  readonly empty: boolean;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

/**
 * The automaton that accepts what `pattern` matches: McNaughton and Yamada's construction from positions, then
 * Moore's minimisation. Throws where it has more than 255 states.
 */
export function automatonOf(pattern: Pattern): Automaton {
  const classes: number[] = [];
  const follow: Set<number>[] = [];
  const { empty, first, last } = positionsOf(pattern, classes, follow);
  const ends = new Set(last);

  const sets: number[][] = [[]];
  const numbers = new Map<string, number>([['', 0]]);
  const numberOf = (set: number[]): number => {
    const key = set.join();
    let number = numbers.get(key);
    if (number === undefined) {
      number = sets.push(set) - 1;
      numbers.set(key, number);
    }
    return number;
  };

  // State 1 stands before the first character; every other state is the set of positions just read.
  sets.push([-1]);
  const rows: number[][] = [Array.from({ length: 32 }, () => 0)];
  for (let state = 1; state < sets.length; state++) {
    const candidates = new Set<number>();
    for (const position of sets[state]) {
      for (const after of position < 0 ? first : follow[position]) candidates.add(after);
    }
    const after = [...candidates].sort((a, b) => a - b);
    const used = after.reduce((bits, position) => bits | classes[position], 0);
    const nextAt = (c: number) => numberOf(after.filter((position) => (classes[position] >>> c) & 1));
    rows.push(Array.from({ length: 32 }, (_, c) => ((used >>> c) & 1 ? nextAt(c) : 0)));
  }
  const accepts = sets.map((set, state) =>
    state === 1 ? empty : set.some((position) => ends.has(position)),
  );
  return minimal(rows, accepts);
}

function positionsOf(pattern: Pattern, classes: number[], follow: Set<number>[]): Positions {
  switch (pattern.kind) {
    case 'one': {
      const position = classes.push(pattern.classes) - 1;
      follow.push(new Set());
      return { empty: false, first: [position], last: [position] };
    }
    case 'repeat': {
      const { first, last } = positionsOf(pattern.part, classes, follow);
      connect(last, first, follow);
      return { empty: true, first, last };
    }
    case 'choice': {
      const parts = pattern.parts.map((part) => positionsOf(part, classes, follow));
      return {
        empty: parts.some((part) => part.empty),
        first: parts.flatMap((part) => part.first),
        last: parts.flatMap((part) => part.last),
      };
    }
    case 'sequence': {
      let whole: Positions = { empty: true, first: [], last: [] };
      for (const part of pattern.parts) {
        const { empty, first, last } = positionsOf(part, classes, follow);
        connect(whole.last, first, follow);
        whole = {
          empty: whole.empty && empty,
          first: whole.empty ? [...whole.first, ...first] : whole.first,
          last: empty ? [...whole.last, ...last] : last,
        };
      }
      return whole;
    }
  }
}

function connect(from: readonly number[], to: readonly number[], follow: Set<number>[]): void {
  for (const a of from) for (const b of to) follow[a].add(b);
}

/** The smallest automaton of the same language, dead state 0 kept, accepting states last. */
function minimal(rows: readonly (readonly number[])[], accepts: readonly boolean[]): Automaton {
  let blocks = accepts.map(Number);
  for (let count = 0; ;) {
    const numbers = new Map<string, number>();
    const refined = rows.map((row, state) => {
      const key = `${blocks[state]}:${row.map((next) => blocks[next]).join()}`;
      if (!numbers.has(key)) numbers.set(key, numbers.size);
      return numbers.get(key)!;
    });
    blocks = refined;
    if (numbers.size === count) break;
    count = numbers.size;
  }
  const representatives = [...new Map(blocks.map((block, state) => [block, state])).entries()];
  const order = representatives.sort(
    ([a, x], [b, y]) =>
      Number(accepts[x]) - Number(accepts[y]) || Number(a !== blocks[0]) - Number(b !== blocks[0]),
  );
  if (order.length > 255) throw new RangeError(`an automaton of ${order.length} states`);
  const numberOf = new Map(order.map(([block], number) => [block, number]));
  const next = new Uint8Array(order.length * 32);
  for (const [number, [, state]] of order.entries()) {
    next.set(
      rows[state].map((target) => numberOf.get(blocks[target])!),
      number * 32,
    );
  }
  const accepting = order.findIndex(([, state]) => accepts[state]);
  return { start: numberOf.get(blocks[1])!, accepting, next };
}
