/** The pruned path: which documents of a block can be among the best, and their sums. */
import { threshold, wanted } from './best';
import { groupsFrom, groupSize, largestOfGroups, listFrom, raiseByGroups, raiseByListed } from './groups';
import { add, addDense, saturation } from './postings';

/*
 * A frequent term in a block. 48 bytes: its postings from u32, to u32; its weight f64; the most that one of them brings
 * f64; where the code of document 0 lies if its codes lie by document, else 0, u32; and, filled in here, for it and all
 * terms after it what adding them costs u32, the most that they bring f64, and what looking one document up in them costs
 * u32. After the last term there is room for one more. Costs are in postings added.
 */
const FREQUENT: usize = 48;

/** What finding a candidate's posting costs, and finding it where codes lie by document. */
const PROBE: u32 = 24;
const DENSE_PROBE: u32 = 4;
/** So many documents cost one, where codes lie by document. */
const DENSE_PER_POSTING: u32 = 4;
/** Looking at the sums of so many documents costs one. */
const LOOKED_AT: u32 = 6;
/** Documents a group where these only say which documents to list. */
const KNOWN_GROUP: u32 = 32;
/** Room for rounding in comparisons of bounds; far above what a sum of doubles or a 32-bit score can be off by. */
const SLACK: f64 = 1e-6;
/** What the smallest 32-bit scores can be off by. */
const SMALLEST: f64 = 1e-45;

/** Below this a sum cannot become a score of `score` by what `rest` can still bring. */
function least(score: f32, rest: f64): f64 {
  return max(<f64>score * (1 - SLACK) - rest * (1 + SLACK) - SMALLEST, f64.MIN_VALUE);
}

function postingsOf(term: usize): u32 {
  return load<u32>(term, 4) - load<u32>(term);
}

function weightOf(term: usize): f64 {
  return load<f64>(term, 8);
}

function codesByDocument(term: usize): usize {
  return load<u32>(term, 24);
}

/** What adding a term costs in a block of `count` documents. */
function costOf(term: usize, count: u32): u32 {
  return codesByDocument(term) == 0 ? postingsOf(term) : count / DENSE_PER_POSTING;
}

/** What looking one document up in a term costs. */
function probeCostOf(term: usize): u32 {
  return codesByDocument(term) == 0 ? PROBE : DENSE_PROBE;
}

/** What adding a term and all after it costs. */
function costFrom(term: usize): u32 {
  return load<u32>(term, 28);
}

/** The most score that a term and all after it bring. */
function restFrom(term: usize): f64 {
  return load<f64>(term, 32);
}

/** What looking one document up in a term and all after it costs. */
function probeCostFrom(term: usize): u32 {
  return load<u32>(term, 40);
}

/** Fills in what is left from each of the terms [frequent, end) on. */
function sumRests(frequent: usize, end: usize, count: u32): void {
  let cost: u32 = 0;
  let rest: f64 = 0;
  let probes: u32 = 0;
  for (let term = end; ; term -= FREQUENT) {
    if (term < end && postingsOf(term) > 0) {
      cost += costOf(term, count);
      rest += load<f64>(term, 16);
      probes += probeCostOf(term);
    }
    store<u32>(term, cost, 28);
    store<f64>(term, rest, 32);
    store<u32>(term, probes, 40);
    if (term == frequent) return;
  }
}

/**
 * Adds the `terms` frequent terms at `frequent` to the sums of the documents [first, first + count), as far as it takes to
 * find those that can be among the best; lists these at `candidates`, ascending, with their whole sums, and returns how
 * many they are. `scratch`: see `groups.ts`. At `counts`: u32, to which the number of postings read is added; u32, the
 * number of terms after which it was worth looking for candidates in the block before, and now is in this one.
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
  counts: usize,
): u32 {
  const end = frequent + <usize>terms * FREQUENT;
  sumRests(frequent, end, count);
  const isKnown = threshold(top) > 0;
  const group = isKnown ? KNOWN_GROUP : groupSize(top, count);
  const look = count / LOOKED_AT;
  const lookFrom = frequent + <usize>load<u32>(counts, 4) * FREQUENT;
  let restThen = restFrom(frequent);
  let nextLook: u32 = u32.MAX_VALUE;
  let listed: i32 = -1;
  let read: u32 = 0;
  let term = frequent;
  // As long as every document is a candidate.
  for (; term < end; term += FREQUENT) {
    const rest = restFrom(term);
    const left = costFrom(term);
    // A term brings the k-th best document about half of what it can.
    const expected = isKnown ? <f64>threshold(top) : <f64>threshold(top) + (restThen - rest) / 2;
    if (term >= lookFrom && expected > rest && left <= nextLook && left > 2 * look) {
      // So many that looking all of them up in every term that is left costs as much as adding these.
      const most = left / probeCostFrom(term);
      listed = listFew(top, sums, first, count, group, rest, most, isKnown, candidates, scratch);
      if (listed >= 0) {
        // With far fewer the next block may be looked at a term earlier.
        const earlier = <u32>listed < most / 4 && term > frequent ? term - FREQUENT : term;
        store<u32>(counts, <u32>((earlier - frequent) / FREQUENT), 4);
        break;
      }
      restThen = rest;
      nextLook = left - max(2 * look, left / 8);
    }
    addTerm(sums, first, count, documents, codes, term, table);
    read += postingsOf(term);
  }
  if (listed < 0) {
    listed = listFew(top, sums, first, count, group, 0, count, isKnown, candidates, scratch);
  }
  // As long as there are candidates.
  for (; term < end && listed > 0; term += FREQUENT) {
    const postings = postingsOf(term);
    if (postings == 0) continue;
    if (!isKnown && listed > <i32>(2 * wanted(top))) raiseByListed(top, sums, candidates, listed, scratch);
    const needed = least(threshold(top), restFrom(term + FREQUENT));
    const cost = costOf(term, count);
    if (<u64>listed * <u64>probeCostOf(term) < <u64>cost) {
      read += listed;
      probe(sums, candidates, listed, documents, codes, term, table);
      listed = keep(sums, candidates, listed, needed);
    } else {
      read += postings;
      addTerm(sums, first, count, documents, codes, term, table);
      if (<u32>listed < cost / 2) listed = keep(sums, candidates, listed, needed);
    }
  }
  store<u32>(counts, load<u32>(counts) + read);
  return listed;
}

/**
 * Lists the documents whose sum can still become one of the best by `rest`, and returns how many they are; -1 where there
 * are more than `most`. Raises the threshold first, unless it is known from elsewhere.
 */
function listFew(
  top: usize,
  sums: usize,
  first: u32,
  count: u32,
  group: u32,
  rest: f64,
  most: u32,
  isKnown: bool,
  candidates: usize,
  scratch: usize,
): i32 {
  const last = largestOfGroups(sums, first, count, group, scratch);
  if (!isKnown) raiseByGroups(top, scratch, last);
  const needed = least(threshold(top), rest);
  // A document without any of the terms so far can still be one, and those are not listed.
  if (rest > 0 && needed == f64.MIN_VALUE) return -1;
  if (groupsFrom(scratch, last, needed) > most) return -1;
  const listed = listFrom(sums, first, count, group, scratch, needed, candidates);
  return <u32>listed > most ? -1 : listed;
}

/** Adds the postings of a term in a block. */
function addTerm(
  sums: usize,
  first: u32,
  count: u32,
  documents: usize,
  codes: usize,
  term: usize,
  table: usize,
): void {
  const dense = codesByDocument(term);
  if (dense != 0) addDense(sums, dense, first, count, weightOf(term), table);
  else add(sums, documents, codes, load<u32>(term), load<u32>(term, 4), weightOf(term), table);
}

/** Adds the postings of a term, of which there are some, of the listed candidates alone. */
function probe(
  sums: usize,
  candidates: usize,
  count: u32,
  documents: usize,
  codes: usize,
  term: usize,
  table: usize,
): void {
  const weight = weightOf(term);
  const dense = codesByDocument(term);
  const end = candidates + ((<usize>count) << 2);
  let at = candidates;
  if (dense != 0) {
    for (; at < end; at += 4) {
      const document = <usize>load<u32>(at);
      const sum = sums + (document << 3);
      store<f64>(sum, load<f64>(sum) + weight * saturation(table, dense, document));
    }
    return;
  }
  const from = load<u32>(term);
  const start = documents + ((<usize>from) << 2);
  const last = end - 4;
  // Four at a time, in step: while one waits for the memory, so do the others. At the end the last one fills them up.
  for (; at < end; at += 16) {
    const first = load<u32>(at);
    const second = load<u32>(min(at + 4, last));
    const third = load<u32>(min(at + 8, last));
    const fourth = load<u32>(min(at + 12, last));
    let a = start;
    let b = start;
    let c = start;
    let d = start;
    for (let size = postingsOf(term); size > 1;) {
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
    if (at + 4 < end) addFound(sums, second, b, documents, codes, weight, table);
    if (at + 8 < end) addFound(sums, third, c, documents, codes, weight, table);
    if (at + 12 < end) addFound(sums, fourth, d, documents, codes, weight, table);
  }
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
