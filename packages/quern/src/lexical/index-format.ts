/**
 * The file of a segment, `segment-N.quern`: an index of some of the documents, never changed once it is written. It is
 * little-endian (as is every machine that Node 20 supports but s390x):
 *
 *     "QUERNIDX"  version u32  0 u32
 *     section, padded with zeros to 8 bytes            (each as often as the table says)
 *     table: JSON                                      what the segment is, and where each section lies
 *     CRC-32 of the table u32  bytes of the table u32  "XDINREUQ"
 *
 * The table stands at the end, so a file that was cut is recognised at once, and every section carries the CRC-32 of
 * its padded bytes. Sections are typed arrays as they lie; nothing is parsed. What each holds:
 *
 *     terms               u8        the terms' UTF-8, in ascending byte order; a term's number is its place
 *     term-offsets        u32       T + 1 places in `terms`
 *     posting-offsets     u32       T + 1 places in the two columns of postings
 *     posting-documents   i32       per term, ascending document numbers
 *     posting-codes       u16       per posting the number of its pair (term frequency, document length), see below
 *     code-frequencies    u32       the term frequency of each pair, the most frequent pair first; 65,535 pairs at most
 *     code-lengths        u32       its document length
 *     rare-terms          u32       per posting of a pair without a number (its code is 65,535): its term, ascending,
 *     rare-documents      u32       its document, ascending within a term,
 *     rare-frequencies    u32       and its term frequency
 *     document-lengths    u32       tokens of each document, exact
 *     ids                 u8        the documents' ids, UTF-8, in document order
 *     id-offsets          f64       N + 1 places in `ids`
 *     id-order            u32       document numbers in ascending byte order of their ids
 *     vector-offsets      f64       N + 1 places in `vectors`, in bytes
 *     vectors             records   per document: its terms u32 ascending, their frequencies u32, CRC-32 u32
 *     store-offsets       f64       N + 1 places in `store`, in bytes            (only with stored documents)
 *     store               records   per document: JSON in UTF-8, CRC-32 u32      (only with stored documents)
 *
 * `vectors` and `store` are read record by record when asked for, so their records carry checksums of their own.
 */
import { QuernError } from '../errors.ts';

/** The version of the format that this code writes and reads: of segments, of deletions and of the manifest. */
export const formatVersion = 2;

/** The most postings of a segment; an index may have more of them in several segments. */
export const maxSegmentPostings = 550_000_000;

/** The most documents, and terms, of a segment: what a Map of V8 can hold. */
export const maxSegmentEntries = 1 << 24;

/** The most bytes that searches may need of a segment in memory: WebAssembly's 4 GiB less room to work in. */
export const maxSearchedBytes = 3.75 * 2 ** 30;

/** The bytes that searches need of a segment in memory; `rare`: its postings whose pairs have no codes. */
export function searchedBytes(documents: number, terms: number, postings: number, rare: number): number {
  return 6 * postings + 16 * documents + 4 * terms + 20 * rare;
}

/** Bytes before the first section, and after the table. */
export const headBytes = 16;
export const footBytes = 16;
/** How a file begins, and ends. */
export const startMagic = 'QUERNIDX';
export const endMagic = 'XDINREUQ';

/** The element types of sections. */
export type SectionType = 'u8' | 'u16' | 'u32' | 'i32' | 'f64' | 'records';

/** Where a section lies and what it holds. */
export interface Section {
  readonly type: SectionType;
  readonly offset: number;
  /** Without the padding. */
  readonly bytes: number;
  /** CRC-32 of the padded bytes. */
  readonly checksum: number;
}

/** What a segment is, as its table says. */
export interface IndexTable {
  readonly version: number;
  readonly analyzer: string;
  readonly documents: number;
  readonly documentsWithTerms: number;
  readonly terms: number;
  readonly postings: number;
  /** All tokens of all documents. */
  readonly tokens: number;
  readonly sections: Readonly<Record<string, Section>>;
}

/** What the table says beside version and sections. */
export type IndexFacts = Omit<IndexTable, 'version' | 'sections'>;

/** Bytes of one element. */
export const alignments: Record<SectionType, number> = { u8: 1, u16: 2, u32: 4, i32: 4, f64: 8, records: 1 };

/** Zeros that follow a section of `bytes` bytes. */
export function padding(bytes: number): number {
  return (8 - (bytes % 8)) % 8;
}

/** The error for a file of another version of the format than this code reads. */
export function wrongVersion(where: string, version: unknown): QuernError {
  return new QuernError(
    'WRONG_VERSION',
    `has format version ${String(version)}; this Quern reads ${formatVersion}`,
    { where, hint: 'Build the index again, or use the Quern that built it' },
  );
}
