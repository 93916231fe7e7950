import { writeNewFile } from '../../models/new-file.ts';
import type { Curation } from '../curation.ts';
import type { Author } from '../post.ts';

/** A post that the data set holds, as its licence asks to name it. */
export interface AttributedPost {
  readonly post: string;
  readonly author?: Author;
  readonly url?: string;
  readonly licence?: string;
}

/**
 * Writes `dataset.json`: where the data comes from, how it was made, what each stage left, the hashes of its files, and
 * each post with its author and address. The posts come last, a line each, so that a file of millions can be written and
 * read in pieces.
 */
export async function writeDatasetRecord(
  path: string,
  curation: Curation,
  files: Readonly<Record<string, string>>,
  posts: AsyncIterable<AttributedPost>,
): Promise<void> {
  const { name, options, sources, stages, against, splits, positives, domains, histograms, licences } =
    curation;
  const head = {
    name,
    licence: licences,
    attribution:
      'Posts are by the authors named here, on the sites that their addresses lead to, under the licence stated with each.',
    sources,
    options,
    against,
    stages,
    splits,
    positives,
    files,
  };
  await writeNewFile(path, async (file) => {
    const line = (text: string): Promise<void> => file.write(Buffer.from(`${text}\n`));
    await line(JSON.stringify(head, null, 2).slice(0, -2).concat(',\n  "posts": ['));
    let last: string | undefined;
    for await (const post of posts) {
      if (last !== undefined) await line(`${last},`);
      last = `    ${JSON.stringify(post)}`;
    }
    if (last !== undefined) await line(last);
    await line('  ],');
    await line(`  "domains": ${JSON.stringify(domains)},`);
    // An edge without end, which JSON has no word for, is null.
    await line(`  "histograms": ${JSON.stringify(histograms)}\n}`);
  });
}
