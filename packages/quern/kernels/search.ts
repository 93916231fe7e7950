/**
 * The loops of a search that take the time, in AssemblyScript, compiled to WebAssembly: `src/lexical/kernels.ts` says what
 * they are for and is their only caller. All of them work on addresses in one memory, which holds the segment and the
 * sums; nothing here allocates.
 *
 * `sums` is the address that the sum of document 0 would have: a block's sums lie at `sums + 8 * document` for the
 * documents of the block, so a document's number needs no subtraction.
 */

/** The document weight without idf of a posting: the table gives it for the posting's code. */
function saturation(table: usize, codes: usize, posting: usize): f64 {
  return load<f64>(table + ((<usize>load<u16>(codes + (posting << 1))) << 3));
}

function addOne(
  sums: usize,
  documents: usize,
  codes: usize,
  posting: usize,
  weight: f64,
  table: usize,
): void {
  const sum = sums + ((<usize>load<u32>(documents + (posting << 2))) << 3);
  store<f64>(sum, load<f64>(sum) + weight * saturation(table, codes, posting));
}

/** Adds `weight` times each posting's saturation to its document's sum, for the postings [from, to). */
export function add(
  sums: usize,
  documents: usize,
  codes: usize,
  from: u32,
  to: u32,
  weight: f64,
  table: usize,
): void {
  let posting: usize = from;
  // Four postings a turn: with one, a third of the time goes into the loop itself.
  for (; posting + 4 <= <usize>to; posting += 4) {
    addOne(sums, documents, codes, posting, weight, table);
    addOne(sums, documents, codes, posting + 1, weight, table);
    addOne(sums, documents, codes, posting + 2, weight, table);
    addOne(sums, documents, codes, posting + 3, weight, table);
  }
  for (; posting < <usize>to; posting++) addOne(sums, documents, codes, posting, weight, table);
}

/*
 * A cursor: what is left of a term's postings. 24 bytes: from u32, to u32, weight f64, and of its rare postings, which the
 * table does not know, from u32, to u32.
 */
const CURSOR: usize = 24;

/**
 * Adds the postings of `count` terms, one after the other, whose documents are before `end`, and moves the cursors past
 * them. The documents of rare postings are at `rareDocuments`, their saturations at `rareSaturations`. Returns the number
 * of postings.
 */
export function addBlock(
  sums: usize,
  documents: usize,
  codes: usize,
  table: usize,
  rareDocuments: usize,
  rareSaturations: usize,
  cursors: usize,
  count: u32,
  end: u32,
): u32 {
  let added: u32 = 0;
  for (let cursor = cursors; cursor < cursors + <usize>count * CURSOR; cursor += CURSOR) {
    const from = load<u32>(cursor);
    const to = seek(documents, from, load<u32>(cursor, 4), end);
    const weight = load<f64>(cursor, 8);
    add(sums, documents, codes, from, to, weight, table);
    added += to - from;
    store<u32>(cursor, to);
    let rare = load<u32>(cursor, 16);
    const lastRare = load<u32>(cursor, 20);
    while (rare < lastRare && load<u32>(rareDocuments + ((<usize>rare) << 2)) < end) {
      const sum = sums + ((<usize>load<u32>(rareDocuments + ((<usize>rare) << 2))) << 3);
      store<f64>(sum, load<f64>(sum) + weight * load<f64>(rareSaturations + ((<usize>rare) << 3)));
      rare++;
    }
    store<u32>(cursor, rare, 16);
  }
  return added;
}

/** The first posting of [from, to) whose document is `document` or later, by galloping. */
export function seek(documents: usize, from: u32, to: u32, document: u32): u32 {
  if (from == to || load<u32>(documents + ((<usize>(to - 1)) << 2)) < document) return to;
  let low = from;
  let high = from;
  let step: u32 = 1;
  while (high < to && load<u32>(documents + ((<usize>high) << 2)) < document) {
    low = high + 1;
    high += step;
    step <<= 1;
  }
  if (high > to) high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<u32>(documents + ((<usize>middle) << 2)) < document) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The largest saturation of the postings [from, to); 0 where there are none. */
export function largestSaturation(codes: usize, from: u32, to: u32, table: usize): f64 {
  let best: f64 = 0;
  for (let posting: usize = from; posting < <usize>to; posting++)
    best = max(best, saturation(table, codes, posting));
  return best;
}

/** Sets `count` sums from document `first` on to 0. */
export function reset(sums: usize, first: u32, count: u32): void {
  memory.fill(sums + ((<usize>first) << 3), 0, (<usize>count) << 3);
}

/** Keeps the documents at [from, to) of `numbers` out: whatever is added to their sums, they are never candidates. */
export function exclude(sums: usize, numbers: usize, from: u32, to: u32): void {
  for (let place: usize = from; place < <usize>to; place++) {
    store<f64>(sums + ((<usize>load<u32>(numbers + (place << 2))) << 3), -Infinity);
  }
}

/**
 * Lists the documents [first, first + count) whose sum is `least` or more, at `candidates`, ascending; returns how many.
 * `least` is above 0. Sums after the last are 0 up to a multiple of eight.
 */
export function listFrom(sums: usize, first: u32, count: u32, least: f64, candidates: usize): u32 {
  const bound = f64x2.splat(least);
  let found: usize = 0;
  const start = sums + ((<usize>first) << 3);
  for (let i: usize = 0; i < <usize>count; i += 8) {
    const at = start + (i << 3);
    const high = v128.or(
      v128.or(f64x2.ge(v128.load(at), bound), f64x2.ge(v128.load(at, 16), bound)),
      v128.or(f64x2.ge(v128.load(at, 32), bound), f64x2.ge(v128.load(at, 48), bound)),
    );
    if (!v128.any_true(high)) continue;
    for (let j = i; j < i + 8; j++) {
      if (load<f64>(start + (j << 3)) < least) continue;
      store<u32>(candidates + (found << 2), first + <u32>j);
      found++;
    }
  }
  return <u32>found;
}

/** How many of the documents [first, first + count) have a sum of `least` or more; sums as for {@link listFrom}. */
export function countFrom(sums: usize, first: u32, count: u32, least: f64): u32 {
  const bound = f64x2.splat(least);
  // Lanes are -1 where the comparison holds.
  let matches = i64x2.splat(0);
  const start = sums + ((<usize>first) << 3);
  for (let i: usize = 0; i < <usize>count; i += 4) {
    const at = start + (i << 3);
    matches = i64x2.add(
      matches,
      i64x2.add(f64x2.ge(v128.load(at), bound), f64x2.ge(v128.load(at, 16), bound)),
    );
  }
  return <u32>-(i64x2.extract_lane(matches, 0) + i64x2.extract_lane(matches, 1));
}

/** Keeps those of the listed candidates whose sum is `least` or more; returns how many. */
export function keep(sums: usize, candidates: usize, count: u32, least: f64): u32 {
  let kept: usize = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const document = load<u32>(candidates + (i << 2));
    if (load<f64>(sums + ((<usize>document) << 3)) < least) continue;
    store<u32>(candidates + (kept << 2), document);
    kept++;
  }
  return <u32>kept;
}

/**
 * What {@link add} does, for the listed candidates alone, each looked up in the postings [from, to); then keeps those
 * whose sum is `least` or more and returns how many.
 */
export function probe(
  sums: usize,
  candidates: usize,
  count: u32,
  documents: usize,
  codes: usize,
  from: u32,
  to: u32,
  weight: f64,
  table: usize,
  least: f64,
): u32 {
  let kept: usize = 0;
  let posting = from;
  for (let i: usize = 0; i < <usize>count; i++) {
    const document = load<u32>(candidates + (i << 2));
    const place = sums + ((<usize>document) << 3);
    let sum = load<f64>(place);
    posting = seek(documents, posting, to, document);
    if (posting < to && load<u32>(documents + ((<usize>posting) << 2)) == document) {
      sum += weight * saturation(table, codes, posting);
      store<f64>(place, sum);
      posting++;
    }
    if (sum < least) continue;
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

/*
 * The best k. At `top`: size u32, k u32, capacity u32, threshold f32, then `capacity` keys f64. A key's upper 32 bits are
 * the score as a float, the lower ones its document's place in the order of ids: scores are positive, and positive
 * doubles have the order of their bits, so comparing keys compares scores and then places.
 */
const KEYS: usize = 16;

/** Offers the documents [first, first + count) by their sums, as for {@link listFrom}; a sum of 0 is no candidate. */
export function offerAll(top: usize, sums: usize, first: u32, count: u32, places: usize): void {
  const start = sums + ((<usize>first) << 3);
  let bound = lowest(load<f32>(top, 12));
  let bounds = f64x2.splat(bound);
  for (let i: usize = 0; i < <usize>count; i += 8) {
    const at = start + (i << 3);
    const high = v128.or(
      v128.or(f64x2.ge(v128.load(at), bounds), f64x2.ge(v128.load(at, 16), bounds)),
      v128.or(f64x2.ge(v128.load(at, 32), bounds), f64x2.ge(v128.load(at, 48), bounds)),
    );
    if (!v128.any_true(high)) continue;
    for (let j = i; j < i + 8; j++) {
      const sum = load<f64>(start + (j << 3));
      if (sum < bound || !offer(top, sum, load<u32>(places + ((<usize>first + j) << 2)))) continue;
      bound = lowest(load<f32>(top, 12));
      bounds = f64x2.splat(bound);
    }
  }
}

/** Buckets of the histogram, eight bits of a sum's fraction fine: it spans sixteen octaves below the largest sum. */
const BUCKETS: i32 = 4096;

/**
 * Raises the threshold to a score that at least k of the documents [first, first + count) have, or a little less; nothing
 * where fewer have a sum. `histogram`: 4 * 4,096 bytes.
 */
export function raise(top: usize, sums: usize, first: u32, count: u32, histogram: usize): void {
  const k = load<u32>(top, 4);
  memory.fill(histogram, 0, (<usize>BUCKETS) << 2);
  const start = sums + ((<usize>first) << 3);
  let most = f64x2.splat(0);
  for (let i: usize = 0; i < <usize>count; i += 2) most = f64x2.max(most, v128.load(start + (i << 3)));
  const largest = max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1));
  // Positive doubles have the order of their bits.
  const highest = <i32>(reinterpret<u64>(largest) >>> 44);
  for (let i: usize = 0; i < <usize>count; i++) {
    const sum = load<f64>(start + (i << 3));
    if (!(sum > 0)) continue;
    const bucket = min(highest - <i32>(reinterpret<u64>(sum) >>> 44), BUCKETS - 1);
    const at = histogram + ((<usize>bucket) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let seen: u32 = 0;
  // The last bucket has no lower end.
  for (let bucket = 0; bucket < BUCKETS - 1; bucket++) {
    seen += load<u32>(histogram + ((<usize>bucket) << 2));
    if (seen < k) continue;
    const least = reinterpret<f64>((<u64>(highest - bucket)) << 44);
    const score = <f32>least;
    if (score > load<f32>(top, 12)) store<f32>(top, score, 12);
    return;
  }
}

/** Offers the listed candidates. */
export function offerListed(top: usize, sums: usize, candidates: usize, count: u32, places: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const document = <usize>load<u32>(candidates + (i << 2));
    const sum = load<f64>(sums + (document << 3));
    if (sum > 0) offer(top, sum, load<u32>(places + (document << 2)));
  }
}

/** The least sum that could still round to the threshold, and above 0 in any case. */
function lowest(threshold: f32): f64 {
  // Half a unit in the last place: 2^-25 of a float, or 2^-150 of the smallest ones.
  return max(<f64>threshold * (1 - 1.2e-7) - 1e-45, f64.MIN_VALUE);
}

/** Offers one; returns whether the threshold rose. */
function offer(top: usize, sum: f64, place: u32): bool {
  const score = <f32>sum;
  if (score < load<f32>(top, 12)) return false;
  let size = load<u32>(top);
  const full = size == load<u32>(top, 8);
  if (full) {
    keepBest(top);
    size = load<u32>(top);
    if (score < load<f32>(top, 12)) return true;
  }
  const slot = top + KEYS + ((<usize>size) << 3);
  store<u32>(slot, place);
  store<f32>(slot, score, 4);
  store<u32>(top, size + 1);
  return full;
}

/** Drops all but the best k, and raises the threshold to the least of them. */
export function keepBest(top: usize): void {
  const size = load<u32>(top);
  const k = load<u32>(top, 4);
  if (size < k) return;
  const keys = top + KEYS;
  // Hoare's selection: the k largest first, the least of them last.
  let from: i32 = 0;
  let to: i32 = <i32>size - 1;
  const last = <i32>k - 1;
  while (from < to) {
    const pivot = load<f64>(keys + ((<usize>((from + to) >>> 1)) << 3));
    let i = from - 1;
    let j = to + 1;
    while (true) {
      do i++;
      while (load<f64>(keys + ((<usize>i) << 3)) > pivot);
      do j--;
      while (load<f64>(keys + ((<usize>j) << 3)) < pivot);
      if (i >= j) break;
      const key = load<f64>(keys + ((<usize>i) << 3));
      store<f64>(keys + ((<usize>i) << 3), load<f64>(keys + ((<usize>j) << 3)));
      store<f64>(keys + ((<usize>j) << 3), key);
    }
    // Nothing up to j is less than anything after it.
    if (last <= j) to = j;
    else from = j + 1;
  }
  store<u32>(top, k);
  store<f32>(top, load<f32>(keys + ((<usize>last) << 3), 4), 12);
}
