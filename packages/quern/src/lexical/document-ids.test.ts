import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DocumentIds } from './document-ids.ts';

function documentIds(ids: readonly string[]): DocumentIds {
  const encoded = ids.map((id) => Buffer.from(id));
  const offsets = new Float64Array(ids.length + 1);
  encoded.forEach((bytes, i) => (offsets[i + 1] = offsets[i] + bytes.length));
  const order = Uint32Array.from(ids.keys()).sort((a, b) => Buffer.compare(encoded[a], encoded[b]));
  // Bytes that do not start their buffer, as sections may lie.
  const bytes = new Uint8Array(Buffer.concat([Buffer.from('xyz'), ...encoded])).subarray(3);
  return new DocumentIds(bytes, offsets, order);
}

const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 });

describe('DocumentIds', () => {
  it('give each number its id, and each id its number', () => {
    fc.assert(
      fc.property(fc.uniqueArray(id), fc.array(id), (ids, others) => {
        const numbered = documentIds(ids);
        expect(numbered.size).toBe(ids.length);
        for (const text of [...ids, ...others]) expect(numbered.numberOf(text)).toBe(ids.indexOf(text));
        // Twice: decoded, and remembered.
        for (const round of [1, 2])
          expect([round, ...ids.keys()].slice(1).map((n) => numbered.id(n))).toEqual(ids);
      }),
    );
  });

  it('do not take half a surrogate pair for U+FFFD', () => {
    const ids = documentIds(['a\ufffd']);
    expect(ids.numberOf('a\ufffd')).toBe(0);
    expect(ids.numberOf('a\udc00')).toBe(-1);
  });
});
