import { contentId } from '../../content-id.ts';
import { QuernError } from '../../errors.ts';
import { runNames } from '../../train/watch/watched-run.ts';
import type { FoundFolder } from './found-folders.ts';

/** A folder by what requests call it. */
export interface KnownFolder<K> extends FoundFolder<K> {
  /** A hash of where it lies. */
  readonly id: string;
  /** Its own name, with as many of those above as tell it from the others. */
  readonly name: string;
}

/** What was found the last time. */
interface Known<K> {
  readonly byId: ReadonlyMap<string, KnownFolder<K>>;
  readonly isCut: boolean;
  readonly at: number;
}

/** How long what was found is good enough to say that there is nothing of an id, in milliseconds. */
const patience = 1000;

/** Folders that `find` finds, by ids. They are looked for again for each list, and where an id is asked for that is not known yet. */
export class KnownFolders<K> {
  readonly #find: () => Promise<{ readonly found: readonly FoundFolder<K>[]; readonly isCut: boolean }>;
  #known: Known<K> = { byId: new Map(), isCut: false, at: -Infinity };
  #finding: Promise<Known<K>> | undefined;

  constructor(find: () => Promise<{ readonly found: readonly FoundFolder<K>[]; readonly isCut: boolean }>) {
    this.#find = find;
  }

  /** All of them now; `isCut` says that there may be more. */
  async all(): Promise<{ readonly folders: readonly KnownFolder<K>[]; readonly isCut: boolean }> {
    const { byId, isCut } = await this.#look();
    return { folders: [...byId.values()], isCut };
  }

  /** The one of an id; undefined where there is none. */
  async byId(id: string): Promise<KnownFolder<K> | undefined> {
    const isOld = performance.now() - this.#known.at > patience;
    return this.#known.byId.get(id) ?? (isOld ? (await this.#look()).byId.get(id) : undefined);
  }

  /** Looks for them; who asks while somebody does is answered with the same. */
  #look(): Promise<Known<K>> {
    this.#finding ??= this.#found().finally(() => (this.#finding = undefined));
    return this.#finding;
  }

  async #found(): Promise<Known<K>> {
    const { found, isCut } = await this.#find();
    const names = runNames(found.map(({ folder }) => folder));
    const known = found.map((each, i) => ({ id: contentId(each.folder), name: names[i]!, ...each }));
    this.#known = { byId: new Map(known.map((each) => [each.id, each])), isCut, at: performance.now() };
    return this.#known;
  }
}

/** What is told of an error: what our own readers say of a file, which names no path; of anything else nothing. */
export function problemOf(error: unknown): string {
  return error instanceof QuernError ? error.what : 'it cannot be read';
}

/**
 * What `reading` resolves to. Throws `UNAVAILABLE`, saying that `what` cannot be read, for all that it throws but `NOT_FOUND` and
 * `ABORTED`.
 */
export async function readable<T>(what: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof QuernError && (error.code === 'NOT_FOUND' || error.code === 'ABORTED')) throw error;
    throw new QuernError('UNAVAILABLE', `${what} cannot be read: ${problemOf(error)}`, { cause: error });
  }
}
