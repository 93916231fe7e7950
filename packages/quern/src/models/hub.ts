/**
 * Models of the Hugging Face hub, by way of its cache. A revision is resolved to a commit once, and all is fetched by
 * that; a content gets its name when it is whole and its checksum is right, its link in the snapshot after that, and the
 * revision is noted last of all.
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../collections/environment.ts';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import { silentWork, type OnWork, type Work } from '../work.ts';
import { RepositoryCache } from './hub/hub-cache-layout.ts';
import { download, mostAttempts } from './hub/hub-download.ts';
import { hubEnvironment, hubToken, type HubEnvironment } from './hub/hub-environment.ts';
import { parseHubId, type HubId } from './hub/hub-id.ts';
import { etagOf, fetchListing, type HubFile, type HubListing } from './hub/hub-listing.ts';
import { whileLocked } from './hub/hub-lock.ts';
import { hubUrl, type HubConnection } from './hub/hub-request.ts';
import { Attempts, defaultTiming, type HubTiming } from './hub/hub-retry.ts';
import { cachedSnapshot, chosenFiles, listedSnapshot, missingFiles, modelFile } from './hub/hub-snapshot.ts';
import type { Snapshot } from './hub/hub-snapshot.ts';
import { checkSpace } from './hub/hub-space.ts';
import { isModelFile, type ChooseFiles } from './model-files.ts';

/** How a model is resolved. */
export interface ResolveModelOptions {
  /** Which files are needed, by their names. Default: {@link isModelFile}, a model in safetensors. */
  readonly files?: ChooseFiles;
  /** Where `HF_HOME`, `HF_TOKEN` and the like are read. Default: `process.env`. */
  readonly env?: Environment;
  /** Told of the bytes of all needed files, when any has to be fetched. */
  readonly onWork?: OnWork;
  /** Counts that the cache was used because the hub cannot be reached. */
  readonly warnings?: Warnings;
  /** Stops at once; what was downloaded stays for the next run. */
  readonly signal?: AbortSignal;
  readonly timing?: Partial<HubTiming>;
}

/** A model's files on this machine. */
export type ResolvedModel = Snapshot;

/**
 * The files of a model of the Hugging Face hub: `owner/name` or `owner/name@revision`, a branch, a tag or a commit. What
 * is missing is downloaded into the cache that `huggingface_hub` uses, and checked against the hub's checksums; what
 * either of us has downloaded before is used. Asks the hub once what a branch or tag is now, and nothing at all for a
 * commit of which all is there, or under `HF_HUB_OFFLINE`.
 *
 * Throws `USAGE` for what is no id, `NOT_FOUND` for a repository, revision or file that is not there (or not in the
 * cache, when offline), `DENIED` for a gated or private model, `NETWORK` when the hub cannot be reached and the cache
 * does not hold the revision, `BAD_REPLY`, `CORRUPT_FILE` for content that is wrong twice, `DISK_FULL`, `LOCKED` when
 * another process that downloads the same stands still, `ABORTED`, and file errors.
 */
export async function resolveModel(id: string, options: ResolveModelOptions = {}): Promise<ResolvedModel> {
  const hubId = parseHubId(id);
  const env = options.env ?? process.env;
  const hub = hubEnvironment(env);
  throwIfAborted(options.signal);
  const resolution = new Resolution(hubId, hub, options);
  return hub.isOffline ? resolution.offline() : resolution.online(() => hubToken(env));
}

/** For how long the hub may send nothing where the cache would do, in milliseconds. */
const stallWithFallback = 10_000;

class Resolution {
  readonly #id: HubId;
  readonly #hub: HubEnvironment;
  readonly #cache: RepositoryCache;
  readonly #choose: ChooseFiles;
  readonly #timing: HubTiming;
  readonly #options: ResolveModelOptions;

  constructor(id: HubId, hub: HubEnvironment, options: ResolveModelOptions) {
    this.#id = id;
    this.#hub = hub;
    this.#cache = new RepositoryCache(hub.cache, id.repository);
    this.#choose = options.files ?? isModelFile;
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#options = options;
  }

  async offline(): Promise<Snapshot> {
    const cached = await this.#cached();
    if (cached) return cached;
    throw new QuernError('NOT_FOUND', await this.#absence(), {
      where: this.#name,
      hint: 'HF_HUB_OFFLINE is set: run once without it, where the hub can be reached, or copy the cache from there',
    });
  }

  async online(readToken: () => Promise<string | undefined>): Promise<Snapshot> {
    const { commit } = this.#id;
    const known = commit === undefined ? undefined : await listedSnapshot(this.#cache, commit, this.#choose);
    if (known) return known;
    const { endpoint } = this.#hub;
    const { stall } = this.#timing;
    const { signal } = this.#options;
    const connection: HubConnection = { endpoint, token: await readToken(), stall, signal };
    const noted = commit === undefined ? undefined : await this.#cache.listing(commit);
    if (noted) return this.#fetch(connection, noted);
    const cached = await this.#cached();
    if (!cached) return this.#fetch(connection, await this.#list(connection, mostAttempts));
    let listing: HubListing;
    try {
      // With something to fall back on nobody should have to wait.
      listing = await this.#list({ ...connection, stall: Math.min(stall, stallWithFallback) }, 1);
    } catch (error) {
      if (!(error instanceof QuernError) || error.code !== 'NETWORK') throw error;
      const warning = `the hub cannot be asked, so the cache is used (${error.what})`;
      this.#options.warnings?.add(warning, `${this.#name}, commit ${cached.commit}`);
      return cached;
    }
    return this.#fetch(connection, listing);
  }

  #list(connection: HubConnection, limit: number): Promise<HubListing> {
    const { repository, revision } = this.#id;
    const attempts = new Attempts(limit, this.#timing.pause, this.#options.signal);
    return fetchListing(connection, { repository, revision }, attempts);
  }

  /** Completes the snapshot. */
  async #fetch(connection: HubConnection, listing: HubListing): Promise<Snapshot> {
    const { commit } = listing;
    if (this.#id.commit !== undefined && commit !== this.#id.commit) {
      throw new QuernError('BAD_REPLY', `${this.#hub.endpoint.host} answers with the commit ${commit}`, {
        where: this.#name,
        hint: 'Check HF_ENDPOINT',
      });
    }
    const wanted = chosenFiles(listing.files, this.#choose);
    if (wanted.length === 0) {
      throw new QuernError('NOT_FOUND', `none of its ${listing.files.length} files is one that is needed`, {
        where: this.#name,
        hint: `See ${hubUrl(this.#hub.endpoint, this.#id.repository).href}`,
      });
    }
    const missing = await missingFiles(this.#cache, commit, wanted);
    if (missing.length > 0) {
      await this.#prepare(listing, missing);
      await this.#download(connection, commit, wanted, missing);
    }
    await this.#note(listing, missing.length > 0);
    return { folder: this.#cache.snapshot(commit), commit, files: wanted.map(modelFile) };
  }

  async #prepare(listing: HubListing, missing: readonly HubFile[]): Promise<void> {
    for (const folder of [join(this.#cache.folder, 'blobs'), this.#cache.snapshot(listing.commit)]) {
      await mkdir(folder, { recursive: true }).catch((error: unknown) => {
        throw fileError(error, folder);
      });
    }
    const byEtag = new Map(missing.map((file) => [etagOf(file), file]));
    let needed = 0;
    for (const [etag, { size }] of byEtag) {
      const there = (await fileSize(this.#cache.blob(etag))) ?? (await fileSize(this.#cache.partial(etag)));
      needed += Math.max(size - (there ?? 0), 0);
    }
    await checkSpace(this.#cache.folder, needed);
    // Noted first, so that a snapshot which stays without some of its files is known to.
    await this.#cache.writeListing(listing);
  }

  async #download(
    connection: HubConnection,
    commit: string,
    wanted: readonly HubFile[],
    missing: readonly HubFile[],
  ): Promise<void> {
    const total = sizeOf(wanted);
    const work: Work = this.#options.onWork?.(`downloading ${this.#id.repository}`, total) ?? silentWork;
    try {
      let done = total - sizeOf(missing);
      for (const file of missing) {
        const before = done;
        await this.#downloadFile(connection, commit, file, (received) => work.update(before + received));
        done += file.size;
        work.update(done);
      }
    } finally {
      work.stop();
    }
  }

  async #downloadFile(
    connection: HubConnection,
    commit: string,
    file: HubFile,
    onReceived: (bytes: number) => void,
  ): Promise<void> {
    const etag = etagOf(file);
    const [lock, partial, target] = [
      this.#cache.lock(etag),
      this.#cache.partial(etag),
      this.#cache.blob(etag),
    ];
    const { signal } = this.#options;
    await whileLocked({ lock, partial, target }, this.#timing, onReceived, signal, async () => {
      if ((await fileSize(target)) !== file.size) {
        const asked = { repository: this.#id.repository, revision: commit, file: file.name };
        const isShared = (): Promise<boolean> => this.#cache.isKnownToOthers(etag);
        const what = { file, asked, partial, target, isShared };
        await download(connection, what, this.#timing.pause, onReceived);
      } else await rm(partial, { force: true });
      await this.#cache.linkFile(commit, file);
    });
  }

  /** Notes what is known now; where all was there before, a cache that cannot be written to is no fault. */
  async #note(listing: HubListing, isChanged: boolean): Promise<void> {
    try {
      await this.#cache.writeListing(listing);
      if (this.#id.commit === undefined) {
        await this.#cache.writeCommitOf(this.#id.revision, listing.commit);
      }
    } catch (error) {
      if (isChanged || !(error instanceof QuernError)) throw error;
      this.#options.warnings?.add('the cache cannot be written to', error.message);
    }
  }

  async #cached(): Promise<Snapshot | undefined> {
    const commit = this.#id.commit ?? (await this.#cache.commitOf(this.#id.revision));
    return commit === undefined ? undefined : cachedSnapshot(this.#cache, commit, this.#choose);
  }

  /** What the cache lacks. */
  async #absence(): Promise<string> {
    const commit = this.#id.commit ?? (await this.#cache.commitOf(this.#id.revision));
    const place = `the cache ${this.#hub.cache}`;
    if (commit === undefined) return `not in ${place}`;
    const listing = await this.#cache.listing(commit);
    const wanted = listing ? chosenFiles(listing.files, this.#choose) : [];
    const missing = await missingFiles(this.#cache, commit, wanted);
    if (missing.length === 0) return `not, or not whole, in ${place}`;
    return `${place} lacks ${missing.length} of its ${wanted.length} files, such as ${missing[0].name}`;
  }

  get #name(): string {
    return `${this.#id.repository}@${this.#id.revision}`;
  }
}

function sizeOf(files: readonly HubFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

async function fileSize(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}
