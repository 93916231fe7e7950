/** The best k documents. */

/*
 * The best k. At `top`: size u32, k u32, capacity u32, threshold f32, then `capacity` keys f64. A key's upper 32 bits are
 * the score as a float, the lower ones its document's place in the order of ids: scores are positive, and positive
 * doubles have the order of their bits, so comparing keys compares scores and then places.
 */
const KEYS: usize = 16;

/** How many are asked for. */
export function wanted(top: usize): u32 {
  return load<u32>(top, 4);
}

/** The score below which nothing is among the best any more; 0 where none is known. */
export function threshold(top: usize): f32 {
  return load<f32>(top, 12);
}

/** Raises the threshold to `score`, unless it is as high. */
export function raiseTo(top: usize, score: f32): void {
  if (score > load<f32>(top, 12)) store<f32>(top, score, 12);
}

/** Offers the documents [first, first + count) by their sums; a sum of 0 is no candidate. */
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
    let high = i64x2.bitmask(a) | (i64x2.bitmask(b) << 2) | (i64x2.bitmask(c) << 4) | (i64x2.bitmask(d) << 6);
    for (; high != 0; high &= high - 1) {
      const j = i + <usize>ctz(high);
      const sum = load<f64>(start + (j << 3));
      if (sum < bound || !offer(top, sum, load<u32>(places + ((<usize>first + j) << 2)))) continue;
      bound = lowest(load<f32>(top, 12));
      bounds = f64x2.splat(bound);
    }
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

/** What rounding to a float changes at most: 2^-24 of it (here twice that), or 2^-150 of the smallest ones (likewise). */
const HALF_UNIT: f64 = 1.2e-7;
const SMALLEST: f64 = 1e-45;

/** The least sum that could still round to `score`, and above 0 in any case. */
export function lowest(score: f32): f64 {
  return max(<f64>score * (1 - HALF_UNIT) - SMALLEST, f64.MIN_VALUE);
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
 * Lists the best k, the best first: their documents, which `order` has by place, at `documents`, their
 * scores at `scores`. Returns how many. After the capacity's keys `top` has room for as many again to sort in, and 1,024
 * bytes for counts.
 */
export function takeBest(top: usize, order: usize, documents: usize, scores: usize): u32 {
  const k = wanted(top);
  // Sorting some more costs less than sorting them out first.
  if (load<u32>(top) / 2 > k) keepBest(top);
  const size = load<u32>(top);
  const taken = min(size, k);
  const keys = top + KEYS;
  const room = (<usize>load<u32>(top, 8)) << 3;
  const sorted =
    size <= FEW ? insertionSorted(keys, size) : radixSorted(keys, keys + room, size, keys + 2 * room);
  let key = sorted + ((<usize>size) << 3);
  for (let i: usize = 0; i < <usize>taken; i++) {
    key -= 8;
    store<u32>(documents + (i << 2), load<u32>(order + ((<usize>load<u32>(key)) << 2)));
    store<f32>(scores + (i << 2), load<f32>(key, 4));
  }
  return taken;
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
      const count = counts + (((<usize>(load<u64>(at) >>> shift)) & 255) << 2);
      store<u32>(count, load<u32>(count) + 1);
    }
    // All keys have the same byte: nothing moves.
    if (load<u32>(counts + (((<usize>(load<u64>(from) >>> shift)) & 255) << 2)) == size) continue;
    let start: u32 = 0;
    for (let count = counts; count < counts + 1024; count += 4) {
      const keysOfByte = load<u32>(count);
      store<u32>(count, start);
      start += keysOfByte;
    }
    for (let at = from; at < end; at += 8) {
      const key = load<u64>(at);
      const count = counts + (((<usize>(key >>> shift)) & 255) << 2);
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
