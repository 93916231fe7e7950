import type { SourceFacts } from './curation.ts';
import { fileHash } from './file-hash.ts';
import type { PostSource } from './sources/post-source.ts';

/** Files beyond are told by their names and sizes alone: to hash them would take as long as to read them. */
const mostHashed = 1 << 30;

/** What the data set's record tells of each source. */
export async function sourceFacts(sources: readonly PostSource[]): Promise<SourceFacts[]> {
  const facts: SourceFacts[] = [];
  for (const { title, kind, bytes, file, site } of sources) {
    const isHashed = file !== undefined && file.bytes <= mostHashed;
    facts.push({
      title,
      kind,
      bytes: file?.bytes ?? bytes ?? null,
      sha256: isHashed ? await fileHash(file.path) : null,
      site: site?.host ?? null,
      others: [site?.links?.bytes, site?.users?.bytes].map((size) => size ?? null),
    });
  }
  return facts;
}
