import type { FaultCounts } from '../faults.ts';
import type { Author } from '../post.ts';
import type { PostSource } from '../sources/post-source.ts';
import { firstRow, xmlRows } from '../sources/xml-rows.ts';
import { userUrl } from '../stack-exchange.ts';

/**
 * The names of those authors of whom a page is known and no name, by their pages' addresses, as far as the dumps have them
 * (`Users.xml`).
 */
export async function authorNames(
  authors: Iterable<Author>,
  sources: readonly PostSource[],
  { faults, signal }: { readonly faults: FaultCounts; readonly signal?: AbortSignal },
): Promise<ReadonlyMap<string, string>> {
  const wanted = new Set<string>();
  for (const { name, profile } of authors)
    if (name === undefined && profile !== undefined) wanted.add(profile);
  const names = new Map<string, string>();
  for (const { site } of sources) {
    if (!site?.users || wanted.size === 0) continue;
    const reading = { name: site.users.name, faults, mayBeEmpty: true };
    for await (const { rows } of xmlRows(site.users.read(firstRow, signal), reading)) {
      for (const { attributes } of rows) {
        const { Id: id, DisplayName: name } = attributes;
        if (id === undefined || !name) continue;
        const profile = userUrl(site.host, id);
        if (wanted.has(profile)) names.set(profile, name);
      }
    }
  }
  return names;
}
