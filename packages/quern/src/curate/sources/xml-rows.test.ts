import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { FaultCounts } from '../faults.ts';
import { xmlRows, type Attributes, type RowPosition } from './xml-rows.ts';

async function* chunked(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(
  xml: string | Buffer,
  { size = 7, from }: { size?: number; from?: RowPosition } = {},
): Promise<{ rows: Attributes[]; places: string[]; faults: string[]; positions: RowPosition[] }> {
  const faults = new FaultCounts();
  const bytes = Buffer.from(xml);
  const found = { rows: [] as Attributes[], places: [] as string[], positions: [] as RowPosition[] };
  const chunks = chunked(bytes.subarray(from?.offset ?? 0), size);
  for await (const { rows, position } of xmlRows(chunks, { name: 'Posts.xml', faults, from })) {
    for (const { attributes, where } of rows) {
      found.rows.push({ ...attributes });
      found.places.push(where);
    }
    found.positions.push(position);
  }
  return { ...found, faults: faults.list().map(({ kind, count }) => `${count} ${kind}`) };
}

const document = (rows: string): string =>
  `\ufeff<?xml version="1.0" encoding="utf-8"?>\n<posts>\n${rows}\n</posts>`;

describe('the rows of a dump', () => {
  it('have their attributes, decoded', async () => {
    const { rows, places } = await read(
      document(
        '  <row Id="1" Body="&lt;p&gt;a &amp;amp; b&#xA;&quot;é&quot;&#x1F37A;" />\n  <row Id=\'2\' Body=\'it&apos;s > x\'></row>',
      ),
    );
    expect(rows).toEqual([
      { Id: '1', Body: '<p>a &amp; b\n"é"🍺' },
      { Id: '2', Body: "it's > x" },
    ]);
    expect(places).toEqual(['Posts.xml (row 1)', 'Posts.xml (row 2)']);
  });

  it.each([
    ['not closed', '<row Id="1" Body="cut'],
    ['without quotes', '<row Id=1 />'],
    ['with an attribute twice', '<row Id="1" Id="2" />'],
    ['with a character that XML has not', '<row Id="1" Body="&#1;" />'],
    ['with a raw control character', '<row Id="1" Body="\u0001" />'],
    ['with an entity of a DTD', '<row Id="1" Body="&lol9;" />'],
    ['with a bare ampersand', '<row Id="1" Body="a & b" />'],
    ['with markup in a value', '<row Id="1" Body="<p>a</p>" />'],
  ])('a row %s is counted, and spoils no other', async (_, row) => {
    const { rows, faults } = await read(document(`<row Id="0" />\n${row}\n<row Id="9" />`));
    expect(rows.map(({ Id }) => Id)).toEqual(['0', '9']);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^1 a (?:malformed row|row that is not closed)/);
  });

  it('an entity bomb is no more than a malformed row', async () => {
    const bomb = `<!DOCTYPE posts [<!ENTITY a "${'x'.repeat(99)}"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>`;
    const { rows, faults } = await read(
      `<?xml version="1.0"?>${bomb}<posts><row Id="1" Body="&b;"/><row Id="2"/></posts>`,
    );
    expect(rows).toEqual([{ Id: '2' }]);
    expect(faults).toHaveLength(1);
  });

  it('a row that is not UTF-8 is counted', async () => {
    const bytes = Buffer.concat([
      Buffer.from('<posts><row Id="1" Body="'),
      Buffer.from([0xe9]),
      Buffer.from('"/><row Id="2"/></posts>'),
    ]);
    const { rows, faults } = await read(bytes);
    expect(rows).toEqual([{ Id: '2' }]);
    expect(faults).toEqual(['1 a row that is not UTF-8']);
  });

  it('a file that ends inside of a row, that holds none, or is UTF-16 is an error', async () => {
    await expect(read('<posts><row Id="1"/><row Id="2" Bo')).rejects.toThrow(
      'Posts.xml: ends inside of row 2. It was cut off',
    );
    for (const tail of ['', '  ', '  <', '  <ro', ' garbage']) {
      await expect(read(`<posts><row Id="1"/>${tail}`)).rejects.toThrow(
        /ends (?:without its end tag, after row 1|inside of row [12])/,
      );
    }
    await expect(read('<users></users>')).rejects.toThrow('holds no <row …>');
    await expect(read('')).rejects.toThrow('holds no <row …>');
    await expect(read(Buffer.from('<posts><row Id="1"/></posts>', 'utf16le'))).rejects.toThrow('UTF-16');
    await expect(read('x'.repeat(2_000_000), { size: 65_536 })).rejects.toThrow('holds no <row …>');
  });

  it('are the same however the bytes come, and from any position on', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', ' ', '&lt;', '&amp;', '&#xA;', 'é', '🍺', '>', '/', "'"),
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        async (bodies, size) => {
          const xml = document(bodies.map((body, i) => `  <row Id="${i}" Body="${body}" />`).join('\n'));
          const whole = await read(xml, { size: 1 << 20 });
          expect(whole.rows.map(({ Id }) => Id)).toEqual(bodies.map((_, i) => String(i)));
          const pieces = await read(xml, { size });
          expect(pieces.rows).toEqual(whole.rows);
          for (const from of pieces.positions) {
            if (from.rows === bodies.length) continue;
            const rest = await read(xml, { size, from });
            expect(rest.rows).toEqual(whole.rows.slice(from.rows));
            expect(rest.places).toEqual(whole.places.slice(from.rows));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are read in memory that a long file does not fill', async () => {
    const path = join(temporaryFolder(), 'Posts.xml');
    const row = `<row Id="1" Body="${'x'.repeat(1000)}" />\n`;
    writeFileSync(path, `<posts>${row.repeat(20_000)}</posts>`);
    let most = 0;
    let rows = 0;
    const chunks = createReadStream(path) as AsyncIterable<Buffer>;
    for await (const batch of xmlRows(chunks, { name: path, faults: new FaultCounts() })) {
      most = Math.max(most, batch.rows.length);
      rows += batch.rows.length;
    }
    expect(rows).toBe(20_000);
    expect(most).toBeLessThan(80);
  });
});
