/**
 * The loops of a search among vectors, in AssemblyScript, compiled to WebAssembly: `src/dense/vector-kernels.ts` is their
 * only caller. They work on addresses in one memory; nothing here allocates.
 *
 * A row is a stored vector of `width` components, a multiple of eight, the last of them zeros where it has fewer:
 *
 *     f32   floats
 *     f16   halves of 2^15 times the component: read as floats with the exponent as it is, 2^-97 times the component
 *     i8    bytes, then a float that is the component of a byte of 1, and four bytes of padding
 *
 * A query is `width` floats; for rows of f16, of 2^97 times the component; for rows of i8, 16-bit integers and then a float
 * as the rows have it. All products of an i8 row and a query add up within 32 bits, which is the caller's to see to.
 */

/** Four components from `at` on, as floats. */
function four<T>(at: usize): v128 {
  if (isFloat<T>()) return v128.load(at);
  if (sizeof<T>() == 2) {
    // The sign is in all the bits above the exponent: it stays in the highest alone.
    return v128.and(i32x4.shl(v128.load_ext<i16>(at), 13), i32x4.splat(<i32>0x8fffffff));
  }
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(at))));
}

/** As many components as meet 16 bytes of a query. */
function components<T>(at: usize): v128 {
  return sizeof<T>() == 1 ? v128.load_ext<i8>(at) : four<T>(at);
}

function stepOf<T>(): usize {
  return isFloat<T>() ? 16 : 8;
}

function added<T>(sum: v128, row: v128, query: v128): v128 {
  if (sizeof<T>() == 1) return i32x4.add(sum, i32x4.dot_i16x8_s(row, query));
  return f32x4.add(sum, f32x4.mul(row, query));
}

/** The cosine by four partial sums; `row` and `query` end the components. */
function total<T>(sum: v128, row: usize, query: usize): f32 {
  if (sizeof<T>() == 1) {
    const all =
      i32x4.extract_lane(sum, 0) +
      i32x4.extract_lane(sum, 1) +
      i32x4.extract_lane(sum, 2) +
      i32x4.extract_lane(sum, 3);
    return <f32>all * load<f32>(row) * load<f32>(query);
  }
  const even = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 2);
  return even + (f32x4.extract_lane(sum, 1) + f32x4.extract_lane(sum, 3));
}

/** Two rows and four queries: what is loaded once is used four times, or twice, and all sums are in registers. */
function tile<T>(
  row: usize,
  stride: usize,
  query: usize,
  queryBytes: usize,
  end: usize,
  out: usize,
  outBytes: usize,
): void {
  let a0 = i32x4.splat(0);
  let a1 = i32x4.splat(0);
  let a2 = i32x4.splat(0);
  let a3 = i32x4.splat(0);
  let b0 = i32x4.splat(0);
  let b1 = i32x4.splat(0);
  let b2 = i32x4.splat(0);
  let b3 = i32x4.splat(0);
  const query2 = query + 2 * queryBytes;
  let i: usize = 0;
  for (; i < end; i += 16) {
    const a = components<T>(row);
    const b = components<T>(row + stride);
    const q0 = v128.load(query + i);
    a0 = added<T>(a0, a, q0);
    b0 = added<T>(b0, b, q0);
    const q1 = v128.load(query + queryBytes + i);
    a1 = added<T>(a1, a, q1);
    b1 = added<T>(b1, b, q1);
    const q2 = v128.load(query2 + i);
    a2 = added<T>(a2, a, q2);
    b2 = added<T>(b2, b, q2);
    const q3 = v128.load(query2 + queryBytes + i);
    a3 = added<T>(a3, a, q3);
    b3 = added<T>(b3, b, q3);
    row += stepOf<T>();
  }
  store<f32>(out, total<T>(a0, row, query + i));
  store<f32>(out, total<T>(b0, row + stride, query + i), 4);
  out += outBytes;
  store<f32>(out, total<T>(a1, row, query + queryBytes + i));
  store<f32>(out, total<T>(b1, row + stride, query + queryBytes + i), 4);
  out += outBytes;
  store<f32>(out, total<T>(a2, row, query2 + i));
  store<f32>(out, total<T>(b2, row + stride, query2 + i), 4);
  out += outBytes;
  store<f32>(out, total<T>(a3, row, query2 + queryBytes + i));
  store<f32>(out, total<T>(b3, row + stride, query2 + queryBytes + i), 4);
}

/** A row and a query. Memory is read from front to back: with two rows at a time it comes several times as slowly. */
function single<T>(row: usize, query: usize, end: usize, out: usize): void {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let c = i32x4.splat(0);
  let d = i32x4.splat(0);
  let i: usize = 0;
  for (; i + 64 <= end; i += 64) {
    a = added<T>(a, components<T>(row), v128.load(query + i));
    b = added<T>(b, components<T>(row + stepOf<T>()), v128.load(query + i, 16));
    c = added<T>(c, components<T>(row + 2 * stepOf<T>()), v128.load(query + i, 32));
    d = added<T>(d, components<T>(row + 3 * stepOf<T>()), v128.load(query + i, 48));
    row += 4 * stepOf<T>();
  }
  for (; i < end; i += 16) {
    a = added<T>(a, components<T>(row), v128.load(query + i));
    row += stepOf<T>();
  }
  if (sizeof<T>() == 1) a = i32x4.add(i32x4.add(a, b), i32x4.add(c, d));
  else a = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  store<f32>(out, total<T>(a, row, query + i));
}

/** Reads one byte of each line of a cache, so that what lies there comes into it in the order that is fastest. */
function touch(from: usize, bytes: usize, out: usize): void {
  let all: u32 = 0;
  for (let at: usize = 0; at < bytes; at += 64) all |= load<u8>(from + at);
  // What is read must have a use; the cosines are written over it.
  store<u32>(out, all);
}

/**
 * The cosines of `count` rows and `queries` queries, as floats: of query j and row i at `out + j * outBytes + 4 * i`. Rows lie
 * `stride` bytes apart, queries `queryBytes`. Each is off by what adding up floats in four sums or more can amount to: how rows
 * and queries are grouped decides the order of additions.
 */
function scores<T>(
  rows: usize,
  count: u32,
  stride: usize,
  width: usize,
  query: usize,
  queries: u32,
  queryBytes: usize,
  out: usize,
  outBytes: usize,
): void {
  const end = width * (sizeof<T>() == 1 ? 2 : 4);
  if (queries >= 4 && count > 0) touch(rows, <usize>count * stride, out);
  for (; queries >= 4; queries -= 4) {
    let row = rows;
    let i: u32 = 0;
    for (; i + 2 <= count; i += 2) {
      tile<T>(row, stride, query, queryBytes, end, out + ((<usize>i) << 2), outBytes);
      row += 2 * stride;
    }
    if (i < count) {
      for (let j: usize = 0; j < 4; j++) {
        single<T>(row, query + j * queryBytes, end, out + j * outBytes + ((<usize>i) << 2));
      }
    }
    query += 4 * queryBytes;
    out += 4 * outBytes;
  }
  for (; queries > 0; queries--) {
    let row = rows;
    for (let i: u32 = 0; i < count; i++) {
      single<T>(row, query, end, out + ((<usize>i) << 2));
      row += stride;
    }
    query += queryBytes;
    out += outBytes;
  }
}

/** Writes the components of `count` rows of halves as floats, as {@link four} reads them: rows of `width` floats at `out`. */
export function floats(rows: usize, count: u32, stride: usize, width: usize, out: usize): void {
  for (; count > 0; count--) {
    for (let at: usize = 0; at < 2 * width; at += 8) {
      v128.store(out, four<u16>(rows + at));
      out += 16;
    }
    rows += stride;
  }
}

/** Products of `count` rows and a query of doubles at `query`, summed as doubles in a fixed order: doubles at `out`. */
function products<T>(rows: usize, count: u32, stride: usize, width: usize, query: usize, out: usize): void {
  for (; count > 0; count--) {
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    let row = rows;
    const end = query + (width << 3);
    for (let at = query; at < end; at += 32) {
      const all = four<T>(row);
      low = f64x2.add(low, f64x2.mul(f64x2.promote_low_f32x4(all), v128.load(at)));
      const others = i64x2.shuffle(all, all, 1, 0);
      high = f64x2.add(high, f64x2.mul(f64x2.promote_low_f32x4(others), v128.load(at, 16)));
      row += 4 * sizeof<T>();
    }
    const both = f64x2.add(low, high);
    let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
    if (sizeof<T>() == 1) sum *= <f64>load<f32>(row);
    store<f64>(out, sum);
    rows += stride;
    out += 8;
  }
}

export function scoresF32(
  rows: usize,
  count: u32,
  stride: usize,
  width: usize,
  query: usize,
  queries: u32,
  queryBytes: usize,
  out: usize,
  outBytes: usize,
): void {
  scores<f32>(rows, count, stride, width, query, queries, queryBytes, out, outBytes);
}

export function scoresF16(
  rows: usize,
  count: u32,
  stride: usize,
  width: usize,
  query: usize,
  queries: u32,
  queryBytes: usize,
  out: usize,
  outBytes: usize,
): void {
  scores<u16>(rows, count, stride, width, query, queries, queryBytes, out, outBytes);
}

export function scoresI8(
  rows: usize,
  count: u32,
  stride: usize,
  width: usize,
  query: usize,
  queries: u32,
  queryBytes: usize,
  out: usize,
  outBytes: usize,
): void {
  scores<i8>(rows, count, stride, width, query, queries, queryBytes, out, outBytes);
}

export function productsF32(
  rows: usize,
  count: u32,
  stride: usize,
  width: usize,
  query: usize,
  out: usize,
): void {
  products<f32>(rows, count, stride, width, query, out);
}

export function productsF16(
  rows: usize,
  count: u32,
  stride: usize,
  width: usize,
  query: usize,
  out: usize,
): void {
  products<u16>(rows, count, stride, width, query, out);
}

export function productsI8(
  rows: usize,
  count: u32,
  stride: usize,
  width: usize,
  query: usize,
  out: usize,
): void {
  products<i8>(rows, count, stride, width, query, out);
}
