import type { AsyncBuffer, ColumnMetaData } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';

/**
 * Walks over the page headers of a column chunk and throws an Error unless its pages fill it exactly and hold as many
 * values as the metadata say. hyparquet trusts these headers: on damaged ones it may return fewer values, or never
 * return.
 */
export async function assertWholePages(file: AsyncBuffer, column: ColumnMetaData): Promise<void> {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const size = Number(column.total_compressed_size);
  if (!isCount(start) || !isCount(size) || start + size > file.byteLength) {
    throw new Error('a column lies outside of the file');
  }
  const reader = { view: new DataView(await file.slice(start, start + size)), offset: 0 };
  let values = 0;
  while (reader.offset < size) {
    const header = parquetHeader(reader);
    const { compressed_page_size: stored, uncompressed_page_size: plain } = header;
    if (!isCount(stored) || !isCount(plain) || reader.offset + stored > size) throw damagedPage();
    if (header.type === 'DICTIONARY_PAGE') {
      const entries = header.dictionary_page_header?.num_values;
      // The shortest values, booleans, take a bit.
      if (!isCount(entries) || entries > plain * 8) throw damagedPage();
    } else {
      const isSecond = header.type === 'DATA_PAGE_V2';
      const held = (isSecond ? header.data_page_header_v2 : header.data_page_header)?.num_values;
      const rows = isSecond ? header.data_page_header_v2?.num_rows : 0;
      if (!isCount(held) || !isCount(rows)) throw damagedPage();
      values += held;
    }
    reader.offset += stored;
  }
  if (values !== Number(column.num_values)) throw new Error('a column does not hold the values it should');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function damagedPage(): Error {
  return new Error('a damaged page header');
}
