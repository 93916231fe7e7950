import { openHubDataset } from '../../models/hub/hub-dataset.ts';
import { QuernError } from '../../errors.ts';
import { paperDomains, siteDomain } from '../stack-exchange.ts';
import type { SourceOptions } from './source-options.ts';
import type { PostSource } from './post-source.ts';
import { preferencesSource } from './preferences.ts';

/**
 * The Parquet files of a data set on the hub as sources, read there by ranges. Where their folders are named after sites
 * (`data/math.stackexchange.com/…`), only those of the domains that are wanted (by default the paper's nine) are read.
 * Throws `BAD_INPUT` where it has no Parquet files, and what `openHubDataset` throws.
 */
export async function hubPreferences(
  name: string,
  { domains = paperDomains, signal }: Pick<SourceOptions, 'domains' | 'signal'>,
): Promise<PostSource[]> {
  const dataset = await openHubDataset(name, { signal });
  const files = dataset.files.filter((file) => file.name.endsWith('.parquet'));
  const where = `${dataset.repository}@${dataset.commit.slice(0, 12)}`;
  if (files.length === 0) throw new QuernError('BAD_INPUT', 'it has no Parquet files', { where });
  const wanted = domains === 'all' ? undefined : new Set<string>(domains);
  const read = files.filter((file) => {
    const domain = domainOfPath(file.name);
    return wanted === undefined || domain === undefined || wanted.has(domain);
  });
  if (read.length === 0) {
    throw new QuernError(
      'BAD_INPUT',
      `none of its ${files.length} files is of the domains ${[...wanted!].join(', ')}`,
      {
        where,
        hint: 'Domains are the names of sites: math, stackoverflow',
      },
    );
  }
  return read.map((file) =>
    preferencesSource(
      {
        path: `${where}/${file.name}`,
        open: () => Promise.resolve(dataset.file(file.name)),
      },
      { title: `${where}/${file.name}`, stamp: dataset.commit, bytes: file.size },
    ),
  );
}

/** The domain that a part of a file's path names the site of. */
function domainOfPath(path: string): string | undefined {
  for (const part of path.split('/')) {
    const domain = siteDomain(part);
    if (domain !== part.toLowerCase()) return domain;
  }
  return undefined;
}
