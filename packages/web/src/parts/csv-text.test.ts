import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { csvText } from './csv-text.ts';

it('rows are as RFC 4180 has them', () => {
  expect(
    csvText([
      ['system', 'n', 'p'],
      ['a, "b"\nc', 3, undefined],
      ['plain', -0.5, Number.NaN],
    ]),
  ).toBe('system,n,p\r\n"a, ""b""\nc",3,\r\nplain,-0.5,\r\n');
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1'])(
  'the text %j is no formula',
  (text) => {
    expect(csvText([[text]])).toMatch(/^"?'/);
  },
);

it('what is written is read again', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1 }), (rows) => {
      const written = rows.map((row) => row.map((text) => `x${text}`));
      expect(parsed(csvText(written))).toEqual(written);
    }),
  );
});

/** The rows of CSV, by a reader of our own. */
function parsed(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
