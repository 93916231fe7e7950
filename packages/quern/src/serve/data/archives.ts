import { QuernError } from '../../errors.ts';

/** What archives and compressed files begin with, or have at an offset. */
const magic: readonly (readonly [kind: string, bytes: string, offset?: number])[] = [
  ['gzip', '\x1f\x8b'],
  ['zip', 'PK\x03\x04'],
  ['zip', 'PK\x05\x06'],
  ['7z', '7z\xbc\xaf\x27\x1c'],
  ['rar', 'Rar!\x1a\x07'],
  ['xz', '\xfd7zXZ\0'],
  ['bzip2', 'BZh'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['lz4', '\x04\x22\x4d\x18'],
  ['compress', '\x1f\x9d'],
  ['cab', 'MSCF'],
  ['parquet', 'PAR1'],
  ['tar', 'ustar', 257],
];

/** As many first bytes as {@link checkNoArchive} looks at. */
export const headBytes = 262;

/** Throws `BAD_INPUT` where the first bytes of a file are an archive's: none is ever unpacked. */
export function checkNoArchive(head: Buffer, where: string): void {
  const text = head.toString('latin1', 0, headBytes);
  const found = magic.find(([, bytes, offset = 0]) => text.startsWith(bytes, offset));
  if (!found) return;
  throw new QuernError('BAD_INPUT', `is packed (${found[0]}), and nothing that is received is unpacked`, {
    where,
    hint: 'Send the file itself',
  });
}
