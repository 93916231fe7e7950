/**
 * The cache of `huggingface_hub`, and where in it things are:
 *
 *     models--OWNER--NAME/
 *       blobs/ETAG                 a content, by its SHA-256 (or git's SHA-1); ETAG.incomplete until it is whole
 *       snapshots/COMMIT/FILE      a link to ../../blobs/ETAG
 *       refs/REVISION              the commit that a branch or a tag was
 *       trees/COMMIT.json          what the repository holds at a commit, where huggingface_hub wrote it
 *       .quern/COMMIT.json         the same in the same format, as we were told
 *     .locks/models--OWNER--NAME/  locks of those who download
 *
 * Our own list of files has its own place because huggingface_hub takes one in `trees` to mean that a snapshot is to have
 * every file of the repository, and we fetch those that are needed.
 */
import {
  access,
  copyFile,
  link,
  mkdir,
  open,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import { fileError } from '../../errors.ts';
import { syncFolder } from '../../whole-file.ts';
import { isCommit } from './hub-id.ts';
import { etagOf, isHubFile, isPlainName, type HubFile, type HubListing } from './hub-listing.ts';

/** The part of a cache that belongs to a model repository. */
export class RepositoryCache {
  /** `models--OWNER--NAME`. */
  readonly folder: string;
  /** The folder of its locks. */
  readonly locks: string;

  /** `repository` is a checked `owner/name`. */
  constructor(cache: string, repository: string) {
    const name = `models--${repository.replace('/', '--')}`;
    this.folder = join(cache, name);
    this.locks = join(cache, '.locks', name);
  }

  blob(etag: string): string {
    return join(this.folder, 'blobs', etag);
  }

  /** Where a content comes to be: huggingface_hub's name for it. */
  partial(etag: string): string {
    return `${this.blob(etag)}.incomplete`;
  }

  /** The lock of a content. Not huggingface_hub's, which is one of the system's and leaves its file behind. */
  lock(etag: string): string {
    return join(this.locks, `${etag}.quern.lock`);
  }

  /**
   * Whether huggingface_hub has ever begun to download a content. Before version 1 it wrote to the same partial file,
   * under a lock that we cannot see, as Node has none of the system's.
   */
  async isKnownToOthers(etag: string): Promise<boolean> {
    return access(join(this.locks, `${etag}.lock`)).then(
      () => true,
      () => false,
    );
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  file(commit: string, name: string): string {
    return join(this.snapshot(commit), ...name.split('/'));
  }

  /** The commit that a branch or tag was when it was last asked for; undefined where it never was. */
  async commitOf(revision: string): Promise<string | undefined> {
    const text = (await readFile(this.#ref(revision), 'utf8').catch(() => '')).trim();
    return isCommit(text) ? text : undefined;
  }

  /** Notes the commit that a branch or tag is. */
  async writeCommitOf(revision: string, commit: string): Promise<void> {
    if ((await this.commitOf(revision)) !== commit) await this.#write(this.#ref(revision), commit);
  }

  /** What the repository holds at a commit, as we or huggingface_hub noted it; undefined where nobody did. */
  async listing(commit: string): Promise<HubListing | undefined> {
    for (const folder of ['.quern', 'trees']) {
      const json = await readFile(join(this.folder, folder, `${commit}.json`), 'utf8').catch(() => '');
      const files = filesNoted(json);
      if (files) return { commit, files };
    }
    return undefined;
  }

  /** Notes what the repository holds at a commit. */
  async writeListing({ commit, files }: HubListing): Promise<void> {
    const path = join(this.folder, '.quern', `${commit}.json`);
    const json = notedFiles(files);
    if ((await readFile(path, 'utf8').catch(() => '')) !== json) await this.#write(path, json);
  }

  /**
   * Gives a whole content its name in a snapshot: a relative symbolic link, else, where the volume or the system has
   * none, another name of the same file, else a copy. Only for who holds the content's lock.
   */
  async linkFile(commit: string, file: HubFile, ways: readonly LinkWay[] = linkWays): Promise<void> {
    const path = this.file(commit, file.name);
    const blob = this.blob(etagOf(file));
    const passing = join(this.folder, '.quern', `${etagOf(file)}.link`);
    try {
      await mkdir(dirname(path), { recursive: true });
      if ((await readlink(path).catch(() => undefined)) === relative(dirname(path), blob)) return;
      await mkdir(dirname(passing), { recursive: true });
      for (const [i, way] of ways.entries()) {
        await rm(passing, { force: true });
        try {
          await way(blob, passing, path);
          break;
        } catch (error) {
          const { code = '' } = error as NodeJS.ErrnoException;
          if (i === ways.length - 1 || !noLinks.has(code)) throw error;
        }
      }
      await rename(passing, path);
      await syncFolder(dirname(path));
    } catch (error) {
      throw fileError(error, path);
    }
  }

  #ref(revision: string): string {
    return join(this.folder, 'refs', ...revision.split('/'));
  }

  /** Writes a small file whole. It passes through our own folder, as huggingface_hub takes all in the others for its own. */
  async #write(path: string, content: string): Promise<void> {
    const passing = join(this.folder, '.quern', `${randomUUID()}.tmp`);
    try {
      await mkdir(dirname(passing), { recursive: true });
      await mkdir(dirname(path), { recursive: true });
      const file = await open(passing, 'wx');
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(passing, path);
      await syncFolder(dirname(path));
    } catch (error) {
      await rm(passing, { force: true }).catch(() => undefined);
      throw fileError(error, path);
    }
  }
}

/** Makes `passing`, which will be renamed to `path`, stand for `blob`. */
export type LinkWay = (blob: string, passing: string, path: string) => Promise<void>;

export const linkWays: readonly LinkWay[] = [
  (blob, passing, path) => symlink(relative(dirname(path), blob), passing),
  (blob, passing) => link(blob, passing),
  async (blob, passing) => {
    await copyFile(blob, passing);
    const copy = await open(passing, 'r+');
    await copy.sync().finally(() => copy.close());
  },
];

/** What systems and volumes without links say to who wants one. */
const noLinks = new Set([
  'EPERM',
  'EACCES',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EINVAL',
  'UNKNOWN',
  'EMLINK',
]);

/** huggingface_hub's format of a list of files (`trees/COMMIT.json`, version 1). */
interface NotedFile {
  readonly size: number;
  readonly blob_id: string;
  readonly lfs_sha256?: string | null;
  readonly lfs_size?: number | null;
}

function notedFiles(files: readonly HubFile[]): string {
  const entries = files.map(({ name, size, blobId, sha256 }): [string, NotedFile] => [
    name,
    { size, blob_id: blobId, ...(sha256 === undefined ? {} : { lfs_sha256: sha256, lfs_size: size }) },
  ]);
  return JSON.stringify({ format_version: 1, files: Object.fromEntries(entries) }, null, 1);
}

/** The files of such a list; undefined unless it is whole and well formed. */
export function filesNoted(json: string): HubFile[] | undefined {
  let noted: { format_version?: unknown; files?: Record<string, NotedFile> } | null;
  try {
    noted = JSON.parse(json) as typeof noted;
  } catch {
    return undefined;
  }
  if (noted?.format_version !== 1 || typeof noted.files !== 'object' || noted.files === null)
    return undefined;
  const files = Object.entries(noted.files).map(([name, entry]) => ({
    name,
    size: entry?.lfs_size ?? entry?.size,
    blobId: entry?.blob_id,
    ...(entry?.lfs_sha256 ? { sha256: entry.lfs_sha256 } : {}),
  }));
  return files.every((file) => isPlainName(file.name) && isHubFile(file)) ? files : undefined;
}
