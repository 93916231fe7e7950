/** Adding postings to the sums of their documents, and finding a document among them. */

/** The document weight without idf of a posting: the table gives it for the posting's code. */
export function saturation(table: usize, codes: usize, posting: usize): f64 {
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
