import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { compareBytes } from '../byte-order.ts';
import { pathKindIfAny } from '../collections/files.ts';
import { localParquet } from '../collections/parquet.ts';
import { fileError, QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import { archiveDump, fileDump, folderDump, type Dump } from './sources/dump-source.ts';
import { dumpPosts } from './sources/dump-posts-source.ts';
import { hubPreferences } from './sources/hub-preferences.ts';
import { logQuestions } from './sources/log-questions.ts';
import { ownQuestions } from './sources/own-questions.ts';
import type { PostSource } from './sources/post-source.ts';
import type { SourceOptions } from './sources/source-options.ts';
import { preferencesSource } from './sources/preferences.ts';
import { siteOfName } from './stack-exchange.ts';

/** What lies at a path, before it is known which site it is of. */
type Found = PostSource | FoundDump;

interface FoundDump extends Pick<PostSource, 'stamp' | 'title' | 'file'> {
  readonly dump: Dump;
}

/**
 * The sources that strings name: a folder or a file of a Stack Exchange dump (`Posts.xml`, `.7z`), a folder of such,
 * Parquet files of the preferences data or a folder of them, JSONL, `log:FILE`, or `owner/name` of a data set on the hub.
 * Throws `NOT_FOUND` where there is nothing, `BAD_INPUT` where it is not known what it is, `USAGE` where sites do not fit
 * the dumps.
 */
export async function openSources(
  names: readonly string[],
  options: SourceOptions = {},
): Promise<PostSource[]> {
  const found: Found[] = [];
  for (const name of names) found.push(...(await sourcesNamed(name, options)));
  const dumps = found.filter((each) => 'dump' in each);
  const { sites = [] } = options;
  if (sites.length > 0 && sites.length !== dumps.length) {
    throw new QuernError('USAGE', `${sites.length} sites for ${dumps.length} dumps`, {
      where: '--site',
      hint: `Give one for each, in their order: ${dumps.map(({ dump }) => dump.label).join(', ') || 'there is none'}`,
    });
  }
  return found.map((each) => {
    if (!('dump' in each)) return each;
    if (!each.dump.links) {
      options.warnings?.add(
        'no PostLinks.xml: which questions the site has marked as duplicates is not known',
        each.title,
      );
    }
    const { dump, ...facts } = each;
    const host = hostOfDump(dump, sites[dumps.indexOf(each)], options.warnings);
    return dumpPosts(dump, { host, ...facts });
  });
}

function hostOfDump({ label }: Dump, given: string | undefined, warnings?: Warnings): string {
  if (given !== undefined) {
    if (/^(?=.{1,253}$)[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(given)) return given.toLowerCase();
    throw new QuernError('USAGE', `${JSON.stringify(given)} is no host`, {
      where: '--site',
      hint: 'Write it as in its address: beer.stackexchange.com',
    });
  }
  const site = siteOfName(label);
  if (!site) {
    throw new QuernError(
      'USAGE',
      `the name ${JSON.stringify(label)} does not tell which site the dump is of`,
      {
        hint: 'Say so: --site beer.stackexchange.com',
      },
    );
  }
  if (site.isGuess)
    warnings?.add(`its name is taken for ${site.host}; if it is another site, name it: --site HOST`, label);
  return site.host;
}

async function sourcesNamed(name: string, options: SourceOptions): Promise<Found[]> {
  if (name.startsWith('log:')) return [await logSource(name.slice('log:'.length), options)];
  const kind = await pathKindIfAny(name);
  if (kind === undefined) {
    if (/^[\w.-]+\/[\w.-]+(?:@[\w./-]+)?$/.test(name) && !/^\.{1,2}\//.test(name)) {
      return hubPreferences(name, options);
    }
    throw new QuernError('NOT_FOUND', 'no such file or folder', {
      where: name,
      hint: 'A data set of the hub is named owner/name',
    });
  }
  if (kind.isFolder) return folderSources(name, options);
  const source = await fileSource(name, options);
  if (source) return [source];
  throw new QuernError('BAD_INPUT', 'it cannot be told from its name what it holds', {
    where: name,
    hint: 'Sources are Posts.xml, .7z, .parquet and .jsonl files, folders with these, and log:FILE',
  });
}

async function fileSource(path: string, { signal }: SourceOptions): Promise<Found | undefined> {
  const { size, stamp } = await stampOf(path);
  const file = { path, bytes: size };
  if (/\.7z$/i.test(path))
    return { dump: await archiveDump(path, signal), stamp, title: basename(path), file };
  if (/\.xml(?:\.gz)?$/i.test(path)) {
    const isPosts = /^posts\.xml/i.test(basename(path));
    const label = isPosts ? basename(dirname(resolve(path))) : basename(path).replace(/\.xml(?:\.gz)?$/i, '');
    const title = isPosts ? `${label}/${basename(path)}` : basename(path);
    return { dump: await fileDump(path, label), stamp, title, file };
  }
  if (/\.parquet$/i.test(path)) {
    return preferencesSource(localParquet(path), { title: basename(path), stamp, file, bytes: size });
  }
  if (/\.jsonl?(?:\.gz)?$/i.test(path)) return ownQuestions(path, { stamp, file });
  return undefined;
}

/** What is in a folder: a dump, else dumps and archives in it, else Parquet files at any depth. */
async function folderSources(folder: string, options: SourceOptions): Promise<Found[]> {
  const dump = await folderDump(folder);
  if (dump) return [await folderDumpSource(dump, resolve(folder))];
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  const names = entries.map(({ name }) => name).sort(compareBytes);
  const found: Found[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const kind = await pathKindIfAny(path);
    const inner = kind?.isFolder ? await folderDump(path) : undefined;
    if (inner) found.push(await folderDumpSource(inner, path));
    else if (kind && !kind.isFolder && /\.7z$/i.test(name) && !/-(?!posts)[a-z]+\.7z$/i.test(name)) {
      found.push((await fileSource(path, options))!);
    }
  }
  if (found.length > 0) return found;
  const files = await readdir(folder, { recursive: true });
  for (const name of files.filter((each) => /\.parquet$/i.test(each)).sort(compareBytes)) {
    const path = join(folder, name);
    const { size, stamp } = await stampOf(path);
    found.push(
      preferencesSource(localParquet(path), {
        title: name.replaceAll('\\', '/'),
        stamp,
        file: { path, bytes: size },
        bytes: size,
      }),
    );
  }
  if (found.length > 0) return found;
  throw new QuernError('BAD_INPUT', 'holds no Posts.xml, no .7z archive and no .parquet file', {
    where: folder,
    hint: 'A JSONL file of questions is named itself',
  });
}

async function folderDumpSource(dump: Dump, folder: string): Promise<Found> {
  const stamps = await Promise.all(
    [dump.posts, dump.links, dump.users].map((file) => (file ? stampOf(file.name) : undefined)),
  );
  const stamp = stamps.map((each) => each?.stamp ?? '').join(' ');
  const file = { path: dump.posts.name, bytes: stamps[0]!.size };
  return { dump, stamp, title: `${basename(folder)}/${basename(dump.posts.name)}`, file };
}

async function logSource(path: string, { corpus }: SourceOptions): Promise<PostSource> {
  const { size, stamp } = await stampOf(path);
  if (corpus === undefined) {
    throw new QuernError('USAGE', 'a query log needs the documents that were searched', {
      where: `log:${path}`,
      hint: 'Name them: --corpus FILE_OR_FOLDER',
    });
  }
  const documents = await stampOf(corpus);
  return logQuestions(path, {
    corpus,
    stamp: `${stamp} ${documents.stamp}`,
    file: { path, bytes: size },
  });
}

/** What tells whether a file is still the same: its size and the time of its last change. */
async function stampOf(path: string): Promise<{ size: number; stamp: string }> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { size, stamp: `${size} ${mtimeMs}` };
  } catch (error) {
    throw fileError(error, path);
  }
}
