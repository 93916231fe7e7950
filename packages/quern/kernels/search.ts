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
    const a = f64x2.ge(v128.load(at), bounds);
    const b = f64x2.ge(v128.load(at, 16), bounds);
    const c = f64x2.ge(v128.load(at, 32), bounds);
    const d = f64x2.ge(v128.load(at, 48), bounds);
    if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue;
    let high =
      i64x2.bitmask(a) | (i64x2.bitmask(b) << 2) | (i64x2.bitmask(c) << 4) | (i64x2.bitmask(d) << 6);
    for (; high != 0; high &= high - 1) {
      const j = i + <usize>ctz(high);
      const sum = load<f64>(start + (j << 3));
      if (sum < bound || !offer(top, sum, load<u32>(places + ((<usize>first + j) << 2)))) continue;
      bound = lowest(load<f32>(top, 12));
      bounds = f64x2.splat(bound);
    }
  }
}

/** Buckets of the histogram, eight bits of a sum's fraction fine: it spans sixteen octaves below the largest sum. */
const BUCKETS: i32 = 4096;
const HISTOGRAM: usize = (<usize>BUCKETS) << 2;

/**
 * Raises the threshold to a score that at least k of the documents [first, first + count) have: the k-th largest of the
 * largest sums of groups of documents, or a little less. Nothing where there are fewer groups with a sum, or a higher
 * threshold. `scratch`: the histogram, then eight bytes for each group, of which there are at most one in eight documents.
 */
export function raise(top: usize, sums: usize, first: u32, count: u32, scratch: usize): void {
  const k = load<u32>(top, 4);
  // The larger the groups, the less there is to sort out; with four for each hit, few hits share one.
  let group: u32 = 64;
  while (group > 8 && group * 4 * k > count) group >>= 1;
  if (group * k > count) return;
  const maxima = scratch + HISTOGRAM;
  const start = sums + ((<usize>first) << 3);
  const end = start + ((<usize>count) << 3);
  let last = maxima;
  let largest: f64 = 0;
  for (let at = start; at < end; last += 8) {
    const next = min(at + ((<usize>group) << 3), end);
    let most = f64x2.splat(0);
    for (; at < next; at += 64) {
      const a = f64x2.pmax(v128.load(at), v128.load(at, 16));
      const b = f64x2.pmax(v128.load(at, 32), v128.load(at, 48));
      most = f64x2.pmax(most, f64x2.pmax(a, b));
    }
    const maximum = max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1));
    largest = max(largest, maximum);
    store<f64>(last, maximum);
  }
  memory.fill(scratch, 0, HISTOGRAM);
  // Positive doubles have the order of their bits.
  const highest = <i32>(reinterpret<u64>(largest) >>> 44);
  for (let at = maxima; at < last; at += 8) {
    const maximum = load<f64>(at);
    if (maximum == 0) continue;
    const bucket = min(highest - <i32>(reinterpret<u64>(maximum) >>> 44), BUCKETS - 1);
    const place = scratch + ((<usize>bucket) << 2);
    store<u32>(place, load<u32>(place) + 1);
  }
  let seen: u32 = 0;
  // The last bucket has no lower end.
  for (let bucket = 0; bucket < BUCKETS - 1; bucket++) {
    seen += load<u32>(scratch + ((<usize>bucket) << 2));
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

/** How many keys are sorted by insertion; more by their bytes. */
const FEW: u32 = 48;

/**
 * Drops all but the best k and lists them, the best first: their documents, which `order` has by place, at `documents`, their
 * scores at `scores`. Returns how many. After the capacity's keys `top` has room for as many again to sort in, and 1,024
 * bytes for counts.
 */
export function takeBest(top: usize, order: usize, documents: usize, scores: usize): u32 {
  keepBest(top);
  const size = load<u32>(top);
  const keys = top + KEYS;
  const room = (<usize>load<u32>(top, 8)) << 3;
  const sorted =
    size <= FEW
      ? insertionSorted(keys, size)
      : radixSorted(keys, keys + room, size, keys + 2 * room);
  let key = sorted + ((<usize>size) << 3);
  for (let i: usize = 0; i < <usize>size; i++) {
    key -= 8;
    store<u32>(documents + (i << 2), load<u32>(order + ((<usize>load<u32>(key)) << 2)));
    store<f32>(scores + (i << 2), load<f32>(key, 4));
  }
  return size;
}

/** Sorts keys ascending; returns where they are. */
function insertionSorted(keys: usize, size: u32): usize {
  const end = keys + ((<usize>size) << 3);
  for (let at = keys + 8; at < end; at += 8) {
    const key = load<u64>(at);
    let slot = at;
    for (; slot > keys && load<u64>(slot - 8) > key; slot -= 8) store<u64>(slot, load<u64>(slot - 8));
    store<u64>(slot, key);
  }
  return keys;
}

/** Sorts keys ascending, byte by byte from the last on, between their place and `spare`; returns where they end up. */
function radixSorted(keys: usize, spare: usize, size: u32, counts: usize): usize {
  let from = keys;
  let to = spare;
  for (let shift: u64 = 0; shift < 64; shift += 8) {
    memory.fill(counts, 0, 1024);
    const end = from + ((<usize>size) << 3);
    for (let at = from; at < end; at += 8) {
      const count = counts + ((<usize>(load<u64>(at) >>> shift) & 255) << 2);
      store<u32>(count, load<u32>(count) + 1);
    }
    // All keys have the same byte: nothing moves.
    if (load<u32>(counts + ((<usize>(load<u64>(from) >>> shift) & 255) << 2)) == size) continue;
    let start: u32 = 0;
    for (let count = counts; count < counts + 1024; count += 4) {
      const keysOfByte = load<u32>(count);
      store<u32>(count, start);
      start += keysOfByte;
    }
    for (let at = from; at < end; at += 8) {
      const key = load<u64>(at);
      const count = counts + ((<usize>(key >>> shift) & 255) << 2);
      const slot = load<u32>(count);
      store<u32>(count, slot + 1);
      store<u64>(to + ((<usize>slot) << 3), key);
    }
    const other = from;
    from = to;
    to = other;
  }
  return from;
}
