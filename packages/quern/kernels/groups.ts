/**
 * The sums of a block by groups of documents: each group's largest says whether it is worth a look, and the k-th largest of
 * these is a sum that k documents have.
 */
import { lowest, offerAll, offerListed, raiseTo, threshold, wanted } from './best';

/** Buckets of the histogram, eight bits of a sum's fraction fine: it spans sixteen octaves below the largest sum. */
const BUCKETS: i32 = 4096;
const HISTOGRAM: usize = (<usize>BUCKETS) << 2;
const LARGEST_GROUP: u32 = 64;
const SMALLEST_GROUP: u32 = 8;
const MOST_GROUPS: u32 = 4096;

/*
 * Scratch memory: the histogram, then each group's largest sum f64.
 */

/** Documents a group. The larger, the less there is to sort out; with four groups for each hit, few hits share one. */
export function groupSize(top: usize, count: u32): u32 {
  let size = LARGEST_GROUP;
  while (size > SMALLEST_GROUP && <u64>size * 4 * <u64>wanted(top) > <u64>count) size >>= 1;
  return size;
}

/** Stores the largest sum of each group of the documents [first, first + count); returns where these end. */
export function largestOfGroups(sums: usize, first: u32, count: u32, size: u32, scratch: usize): usize {
  const start = sums + ((<usize>first) << 3);
  const end = start + ((<usize>count) << 3);
  let last = scratch + HISTOGRAM;
  for (let at = start; at < end; last += 8) {
    const next = min(at + ((<usize>size) << 3), end);
    let most = f64x2.splat(0);
    for (; at < next; at += 64) {
      const a = f64x2.pmax(v128.load(at), v128.load(at, 16));
      const b = f64x2.pmax(v128.load(at, 32), v128.load(at, 48));
      most = f64x2.pmax(most, f64x2.pmax(a, b));
    }
    most = f64x2.pmax(most, v128.shuffle<f64>(most, most, 1, 0));
    store<f64>(last, f64x2.extract_lane(most, 0));
  }
  return last;
}

/**
 * Raises the threshold to a score that at least k documents have: the k-th largest of the groups' largest sums, or a little
 * less; leaves it where it is higher, or where there are fewer groups with a sum.
 */
export function raiseByGroups(top: usize, scratch: usize, last: usize): void {
  const k = wanted(top);
  const maxima = scratch + HISTOGRAM;
  if (<usize>k > (last - maxima) >> 3) return;
  let largest: f64 = 0;
  for (let at = maxima; at < last; at += 8) {
    if (load<f64>(at) > largest) largest = load<f64>(at);
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
    // Of the eight bits that are left a float is made exactly. One too small for that could be rounded up, above the score of
    // a sum that is yet to be added up in the fixed order.
    const score = <f32>reinterpret<f64>((<u64>(highest - bucket)) << 44);
    if (score >= f32.MIN_NORMAL_VALUE) raiseTo(top, score);
    return;
  }
}

/** Raises the threshold likewise by the sums of `count` documents listed at `documents`, if they are not too many. */
export function raiseByListed(top: usize, sums: usize, documents: usize, count: u32, scratch: usize): void {
  if (count > MOST_GROUPS) return;
  let last = scratch + HISTOGRAM;
  for (let at = documents; at < documents + ((<usize>count) << 2); at += 4, last += 8) {
    store<f64>(last, load<f64>(sums + ((<usize>load<u32>(at)) << 3)));
  }
  raiseByGroups(top, scratch, last);
}

/** How many of the groups have a sum of `least` or more. */
export function groupsFrom(scratch: usize, last: usize, least: f64): u32 {
  let found: u32 = 0;
  for (let at = scratch + HISTOGRAM; at < last; at += 8) found += <u32>(load<f64>(at) >= least);
  return found;
}

/**
 * Lists those of the documents [first, first + count) whose sum is `least` or more, at `documents`, ascending; returns how
 * many. `least` is above 0; only groups with such a sum are looked at.
 */
export function listFrom(
  sums: usize,
  first: u32,
  count: u32,
  size: u32,
  scratch: usize,
  least: f64,
  documents: usize,
): i32 {
  const bound = f64x2.splat(least);
  const end = first + count;
  let found = documents;
  let maximum = scratch + HISTOGRAM;
  for (let start = first; start < end; start += size, maximum += 8) {
    if (load<f64>(maximum) < least) continue;
    const next = min(start + size, end);
    for (let document = start; document < next; document += 4) {
      const at = sums + ((<usize>document) << 3);
      let high =
        i64x2.bitmask(f64x2.ge(v128.load(at), bound)) |
        (i64x2.bitmask(f64x2.ge(v128.load(at, 16), bound)) << 2);
      for (; high != 0; high &= high - 1) {
        store<u32>(found, document + <u32>ctz(high));
        found += 4;
      }
    }
  }
  return <i32>((found - documents) >> 2);
}

/**
 * Offers the documents [first, first + count) by their sums; where no threshold is known, it is raised first, so that few
 * are offered in vain. `candidates`: room for as many documents.
 */
export function offerBlock(
  top: usize,
  sums: usize,
  first: u32,
  count: u32,
  places: usize,
  candidates: usize,
  scratch: usize,
): void {
  if (threshold(top) > 0) {
    offerAll(top, sums, first, count, places);
    return;
  }
  const size = groupSize(top, count);
  raiseByGroups(top, scratch, largestOfGroups(sums, first, count, size, scratch));
  const listed = listFrom(sums, first, count, size, scratch, lowest(threshold(top)), candidates);
  offerListed(top, sums, candidates, listed, places);
}
