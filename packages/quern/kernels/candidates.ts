/** The pruned path: which documents of a block can be among the best, and their sums. */
import { threshold, wanted } from './best';
import { groupsFrom, groupSize, largestOfGroups, listFrom, raiseByGroups, raiseByListed } from './groups';
import { add, saturation } from './postings';

/*
 * A frequent term in a block. 40 bytes: its postings from u32, to u32; its weight f64; the most that one of them brings
 * f64; and, filled in here, for it and all terms after it the most that they bring f64 and their postings u32. After the
 * last term there is room for one more.
 */
const FREQUENT: usize = 40;

/** What finding a candidate's posting costs, in postings added. */
const PROBE: u64 = 20;
/** Looking at the sums of this many documents costs as much as adding one posting. */
const LOOKED_AT: u32 = 6;
/** Room for rounding in comparisons of bounds; far above what a sum of doubles or a 32-bit score can be off by. */
const SLACK: f64 = 1e-6;
/** What the smallest 32-bit scores can be off by. */
const SMALLEST: f64 = 1e-45;

/** Below this a sum cannot become a score of `score` by what `rest` can still bring. */
function least(score: f32, rest: f64): f64 {
  return max(<f64>score * (1 - SLACK) - rest * (1 + SLACK) - SMALLEST, f64.MIN_VALUE);
}

/** Fills in what is left from each of the terms [frequent, end) on. */
function sumRests(frequent: usize, end: usize): void {
  let rest: f64 = 0;
  let left: u32 = 0;
  store<f64>(end, 0, 24);
  store<u32>(end, 0, 32);
  for (let term = end; term > frequent;) {
    term -= FREQUENT;
    const postings = load<u32>(term, 4) - load<u32>(term);
    if (postings > 0) rest += load<f64>(term, 16);
    left += postings;
    store<f64>(term, rest, 24);
    store<u32>(term, left, 32);
  }
}

/**
 * Adds the `terms` frequent terms at `frequent` to the sums of the documents [first, first + count), as far as it takes to
 * find those that can be among the best; lists these at `candidates`, ascending, with their whole sums, and returns how
 * many they are. `scratch`: see `groups.ts`. Adds the number of postings read to the u32 at `read`.
 *
 * Where no threshold is known yet, the k-th best sum so far is one: what is added later can only raise it.
 */
export function candidatesOf(
  top: usize,
  sums: usize,
  first: u32,
  count: u32,
  documents: usize,
  codes: usize,
  table: usize,
  frequent: usize,
  terms: u32,
  candidates: usize,
  scratch: usize,
  read: usize,
): u32 {
  const end = frequent + <usize>terms * FREQUENT;
  sumRests(frequent, end);
  const group = groupSize(top, count);
  const look = count / LOOKED_AT;
  const isKnown = threshold(top) > 0;
  let restThen = load<f64>(frequent, 24);
  let listed: i32 = -1;
  let added: u32 = 0;
  let nextLook: u32 = 0;
  let term = frequent;
  // As long as every document is a candidate.
  for (; term < end; term += FREQUENT) {
    const rest = load<f64>(term, 24);
    const left = load<u32>(term, 32);
    // A term brings the k-th best document about half of what it can.
    const expected = isKnown ? <f64>threshold(top) : <f64>threshold(top) + (restThen - rest) / 2;
    if (expected > rest && added >= nextLook && left > 4 * look) {
      const last = largestOfGroups(sums, first, count, group, scratch);
      if (!isKnown) {
        raiseByGroups(top, scratch, last);
        restThen = rest;
      }
      const needed = least(threshold(top), rest);
      if (needed > f64.MIN_VALUE) {
        const probes = <u64>groupsFrom(scratch, last, needed) * <u64>((end - term) / FREQUENT) * PROBE;
        if (probes < <u64>left) {
          listed = listFrom(sums, first, count, group, scratch, needed, candidates);
          break;
        }
      }
      nextLook = added + max(2 * look, left / 8);
    }
    const from = load<u32>(term);
    const to = load<u32>(term, 4);
    add(sums, documents, codes, from, to, load<f64>(term, 8), table);
    added += to - from;
  }
  if (listed < 0) {
    const last = largestOfGroups(sums, first, count, group, scratch);
    if (!isKnown) raiseByGroups(top, scratch, last);
    listed = listFrom(sums, first, count, group, scratch, least(threshold(top), 0), candidates);
  }
  for (; term < end && listed > 0; term += FREQUENT) {
    const from = load<u32>(term);
    const to = load<u32>(term, 4);
    const weight = load<f64>(term, 8);
    if (!isKnown && listed > <i32>(2 * wanted(top))) raiseByListed(top, sums, candidates, listed, scratch);

    const needed = least(threshold(top), load<f64>(term + FREQUENT, 24));
    if (<u64>listed * PROBE < <u64>(to - from)) {
      added += listed;
      listed = probe(sums, candidates, listed, documents, codes, from, to, weight, table, needed);
    } else if (from < to) {
      added += to - from;
      add(sums, documents, codes, from, to, weight, table);
      listed = keep(sums, candidates, listed, needed);
    }
  }
  store<u32>(read, load<u32>(read) + added);
  return listed;
}

/**
 * Adds the postings [from, to), of which there are some, of the listed candidates alone; then keeps those whose sum is
 * `needed` or more and returns how many.
 */
function probe(
  sums: usize,
  candidates: usize,
  count: u32,
  documents: usize,
  codes: usize,
  from: u32,
  to: u32,
  weight: f64,
  table: usize,
  needed: f64,
): u32 {
  const start = documents + ((<usize>from) << 2);
  let at = candidates;
  const end = candidates + ((<usize>count) << 2);
  // Four at a time, in step: while one waits for the memory, so do the others.
  for (; at + 16 <= end; at += 16) {
    const first = load<u32>(at);
    const second = load<u32>(at, 4);
    const third = load<u32>(at, 8);
    const fourth = load<u32>(at, 12);
    let a = start;
    let b = start;
    let c = start;
    let d = start;
    for (let size = to - from; size > 1;) {
      const step = size >>> 1;
      const middle = (<usize>step) << 2;
      // Without a branch, which the processor could not foretell.
      a += middle & -(<usize>(load<u32>(a + middle - 4) < first));
      b += middle & -(<usize>(load<u32>(b + middle - 4) < second));
      c += middle & -(<usize>(load<u32>(c + middle - 4) < third));
      d += middle & -(<usize>(load<u32>(d + middle - 4) < fourth));
      size -= step;
    }
    addFound(sums, first, a, documents, codes, weight, table);
    addFound(sums, second, b, documents, codes, weight, table);
    addFound(sums, third, c, documents, codes, weight, table);
    addFound(sums, fourth, d, documents, codes, weight, table);
  }
  for (; at < end; at += 4) {
    const document = load<u32>(at);
    let place = start;
    for (let size = to - from; size > 1;) {
      const step = size >>> 1;
      const middle = (<usize>step) << 2;
      place += middle & -(<usize>(load<u32>(place + middle - 4) < document));
      size -= step;
    }
    addFound(sums, document, place, documents, codes, weight, table);
  }
  return keep(sums, candidates, count, needed);
}

/** Adds the posting whose document is at `place`, if that is `document`. */
function addFound(
  sums: usize,
  document: u32,
  place: usize,
  documents: usize,
  codes: usize,
  weight: f64,
  table: usize,
): void {
  if (load<u32>(place) != document) return;
  const sum = sums + ((<usize>document) << 3);
  store<f64>(sum, load<f64>(sum) + weight * saturation(table, codes, (place - documents) >> 2));
}

/** Keeps those of the listed candidates whose sum is `needed` or more; returns how many. */
function keep(sums: usize, candidates: usize, count: u32, needed: f64): u32 {
  let kept: usize = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const document = load<u32>(candidates + (i << 2));
    if (load<f64>(sums + ((<usize>document) << 3)) < needed) continue;
    store<u32>(candidates + (kept << 2), document);
    kept++;
  }
  return <u32>kept;
}

/**
 * Moves the listed candidates whose 32-bit score could depend on the order of its sum to the front of the list: those
 * within a relative `error` of where rounding to 32 bits changes. Returns how many.
 */
export function doubtful(sums: usize, candidates: usize, count: u32, error: f64): u32 {
  let found: usize = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const at = candidates + (i << 2);
    const document = load<u32>(at);
    const sum = load<f64>(sums + ((<usize>document) << 3));
    if (<f32>(sum * (1 - error)) == <f32>(sum * (1 + error))) continue;
    const front = candidates + (found << 2);
    store<u32>(at, load<u32>(front));
    store<u32>(front, document);
    found++;
  }
  return <u32>found;
}
