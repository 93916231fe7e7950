/** Adding postings to the sums of their documents, and finding a document among them. */

/** The document weight without idf of a posting: the table gives it for the posting's code. */
export function saturation(table: usize, codes: usize, posting: usize): f64 {
  return load<f64>(table + ((<usize>load<u16>(codes + (posting << 1))) << 3));
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
  let document = documents + ((<usize>from) << 2);
  let code = codes + ((<usize>from) << 1);
  const end = documents + ((<usize>to) << 2);
  // Four postings a turn: with one, a third of the time goes into the loop itself.
  for (; document + 16 <= end; document += 16, code += 8) {
    const a = sums + ((<usize>load<u32>(document)) << 3);
    store<f64>(a, load<f64>(a) + weight * load<f64>(table + ((<usize>load<u16>(code)) << 3)));
    const b = sums + ((<usize>load<u32>(document, 4)) << 3);
    store<f64>(b, load<f64>(b) + weight * load<f64>(table + ((<usize>load<u16>(code, 2)) << 3)));
    const c = sums + ((<usize>load<u32>(document, 8)) << 3);
    store<f64>(c, load<f64>(c) + weight * load<f64>(table + ((<usize>load<u16>(code, 4)) << 3)));
    const d = sums + ((<usize>load<u32>(document, 12)) << 3);
    store<f64>(d, load<f64>(d) + weight * load<f64>(table + ((<usize>load<u16>(code, 6)) << 3)));
  }
  for (; document < end; document += 4, code += 2) {
    const a = sums + ((<usize>load<u32>(document)) << 3);
    store<f64>(a, load<f64>(a) + weight * load<f64>(table + ((<usize>load<u16>(code)) << 3)));
  }
}

/**
 * Does the same for a term whose codes lie by document: `codes` is where that of document 0 lies. A document without the
 * term has a code whose saturation is 0, and stays as it is.
 */
export function addDense(sums: usize, codes: usize, first: u32, count: u32, weight: f64, table: usize): void {
  const weights = f64x2.splat(weight);
  let code = codes + ((<usize>first) << 1);
  let sum = sums + ((<usize>first) << 3);
  const end = code + ((<usize>count) << 1);
  for (; code + 8 <= end; code += 8, sum += 32) {
    let ab = v128.load_zero<u64>(table + ((<usize>load<u16>(code)) << 3));
    let cd = v128.load_zero<u64>(table + ((<usize>load<u16>(code, 4)) << 3));
    ab = v128.load_lane<u64>(table + ((<usize>load<u16>(code, 2)) << 3), ab, 1);
    cd = v128.load_lane<u64>(table + ((<usize>load<u16>(code, 6)) << 3), cd, 1);
    v128.store(sum, f64x2.add(v128.load(sum), f64x2.mul(weights, ab)));
    v128.store(sum, f64x2.add(v128.load(sum, 16), f64x2.mul(weights, cd)), 16);
  }
  for (; code < end; code += 2, sum += 8) {
    store<f64>(sum, load<f64>(sum) + weight * load<f64>(table + ((<usize>load<u16>(code)) << 3)));
  }
}

/*
 * A cursor: what is left of a term's postings. 32 bytes: from u32, to u32, weight f64; of its rare postings, which the
 * table does not know, from u32, to u32; where the code of document 0 lies if its codes lie by document, else 0, u32.
 */
const CURSOR: usize = 32;

/** Whether any of `count` terms may have postings before `end`. */
export function reaches(documents: usize, cursors: usize, count: u32, end: u32): bool {
  for (let cursor = cursors; cursor < cursors + <usize>count * CURSOR; cursor += CURSOR) {
    if (load<u32>(cursor, 24) != 0) return true;
    const from = load<u32>(cursor);
    if (from < load<u32>(cursor, 4) && load<u32>(documents + ((<usize>from) << 2)) < end) return true;
  }
  return false;
}

/**
 * Adds the postings of `count` terms, one after the other, whose documents are in [first, end), and moves the cursors past
 * them. The documents of rare postings are at `rareDocuments`, their saturations at `rareSaturations`. Returns the number
 * of postings; those of a term whose codes lie by document are all counted at once.
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
  first: u32,
  end: u32,
): u32 {
  let added: u32 = 0;
  for (let cursor = cursors; cursor < cursors + <usize>count * CURSOR; cursor += CURSOR) {
    const from = load<u32>(cursor);
    let to = load<u32>(cursor, 4);
    const weight = load<f64>(cursor, 8);
    const dense = load<u32>(cursor, 24);
    if (dense != 0) {
      addDense(sums, dense, first, end - first, weight, table);
    } else {
      to = seek(documents, from, to, end);
      add(sums, documents, codes, from, to, weight, table);
    }
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
