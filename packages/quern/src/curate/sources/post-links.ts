import type { FaultCounts } from '../faults.ts';
import type { DumpFile } from './dump-source.ts';
import { firstRow, xmlRows } from './xml-rows.ts';

/** What says in `PostLinks.xml` that a post was closed as a duplicate of another. */
const duplicate = '3';

/** The pairs of questions of a site where it has marked the first as a duplicate of the second, by their ids. */
export async function* markedDuplicates(
  links: DumpFile,
  host: string,
  { faults, signal }: { readonly faults: FaultCounts; readonly signal?: AbortSignal },
): AsyncGenerator<readonly [string, string]> {
  const reading = { name: links.name, faults, mayBeEmpty: true };
  for await (const { rows } of xmlRows(links.read(firstRow, signal), reading)) {
    for (const { attributes, where } of rows) {
      const { LinkTypeId: kind, PostId: post, RelatedPostId: related } = attributes;
      if (kind !== duplicate) continue;
      if (!/^\d+$/.test(post ?? '') || !/^\d+$/.test(related ?? '')) {
        faults.add('a link without PostId and RelatedPostId that are numbers', where);
      } else yield [`${host}/${post}`, `${host}/${related}`];
    }
  }
}
