import { QuernError } from '../../errors.ts';
import { hasIndex } from '../../lexical/manifest.ts';
import { analyzerNamed } from '../../text/analyzers.ts';
import type { Build, Builds } from './builds.ts';
import { inUse, notFound, takeAway } from './data-entries.ts';
import { checkRoomFor, type DataLimits } from './data-limits.ts';
import { dataIndexInfo, listed, type DataIndexInfo, type Unreadable } from './data-lists.ts';
import { checkName, isName, passingName, readPassingName } from './data-names.ts';
import type { DataSpace } from './data-space.ts';
import type { PlainTree } from './plain-tree.ts';
import { noCorpusFile, runBuild, type BuildRequest } from './run-build.ts';
import { OneByOne } from './one-by-one.ts';

/** The indexes of a data folder: `indexes/NAME/`, which were built of its corpora. */
export class Indexes {
  readonly #tree: PlainTree;
  readonly #space: DataSpace;
  readonly #limits: DataLimits;
  readonly #builds: Builds;
  readonly #onChange: (index: string) => void;
  readonly #turns = new OneByOne();
  readonly #known = new Set<string>();

  /** `onChange` is told of an index that has been built, replaced or deleted. */
  constructor(
    tree: PlainTree,
    space: DataSpace,
    limits: DataLimits,
    builds: Builds,
    onChange: (index: string) => void = () => undefined,
  ) {
    this.#tree = tree;
    this.#space = space;
    this.#limits = limits;
    this.#builds = builds;
    this.#onChange = onChange;
  }

  /** The indexes by name; of one that cannot be read, why. */
  async list(): Promise<(DataIndexInfo | Unreadable)[]> {
    return listed(await this.names(), (name) =>
      this.#turns.take(name, () => dataIndexInfo(this.#tree, name)),
    );
  }

  /** The names of the indexes that there were when they were last looked up, or that came to be since. */
  get known(): readonly string[] {
    return [...this.#known].sort();
  }

  /** Where an index is, or would be. Throws `BAD_INPUT` for what is no name. */
  folder(name: string): string {
    checkName(name, 'index');
    return this.#tree.path('indexes', name);
  }

  /** Looks up which indexes there are. */
  async lookUp(): Promise<void> {
    for (const name of await this.names()) {
      const isThere = await this.#checkPlace(name).catch(() => false);
      if (isThere) this.#known.add(name);
    }
  }

  /** The names of the indexes, without a look into them. */
  async names(): Promise<string[]> {
    const entries = await this.#tree.names('indexes');
    // One that is being replaced is there all the same.
    const replaced = entries.map(readPassingName).filter((each) => each?.passing === 'old');
    return [...new Set([...entries.filter(isName), ...replaced.map((each) => each!.name)])].sort();
  }

  /** An index. Throws `NOT_FOUND`. */
  async get(name: string): Promise<DataIndexInfo> {
    checkName(name, 'index');
    const found = await this.#turns.take(name, () => dataIndexInfo(this.#tree, name));
    if (found) return found;
    throw notFound('index', name);
  }

  /**
   * What `opened` makes of the folder of an index, which is not replaced meanwhile; what is open afterwards stays as it is when it
   * is replaced. Throws `NOT_FOUND`, and `IO` where a link is in the folder.
   */
  async open<T>(name: string, opened: (folder: string) => Promise<T>): Promise<T> {
    checkName(name, 'index');
    return this.#turns.take(name, async () => {
      const folder = this.folder(name);
      if (!(await this.#tree.hasFolder('indexes', name))) throw notFound('index', name);
      await this.#tree.bytes(['indexes', name], { isChecked: true });
      if (!(await hasIndex(folder))) throw notFound('index', name);
      return opened(folder);
    });
  }

  /** Deletes an index; who has it open goes on with it. Throws `NOT_FOUND`, and `LOCKED` while it is built, or waits to be. */
  async delete(name: string): Promise<void> {
    checkName(name, 'index');
    await this.#turns.take(name, async () => {
      if (this.#builds.has({ index: name })) throw inUse('index', name, 'is being built');
      if (!(await this.#tree.hasFolder('indexes', name))) throw notFound('index', name);
      await takeAway(this.#tree, 'indexes', name);
      this.#known.delete(name);
    });
    this.#onChange(name);
    await this.#space.measure();
  }

  /**
   * Begins to build an index of a corpus, or puts that in line. It takes the place of one with its name when it is whole. Throws
   * `NOT_FOUND` for a corpus that is not there, `USAGE` for an unknown analyzer, `TOO_LARGE` where there are too many indexes,
   * `ALREADY_EXISTS` where something else has its place, and `OVERLOADED` where too many builds wait.
   */
  async build(request: BuildRequest): Promise<Build> {
    const { index, corpus, analyzer } = request;
    checkName(index, 'index');
    checkName(corpus, 'corpus');
    if (analyzer !== undefined) analyzerNamed(analyzer);
    const file = await this.#tree.openFile('corpora', corpus, 'corpus.jsonl');
    if (file === undefined) {
      throw (await this.#tree.hasFolder('corpora', corpus))
        ? noCorpusFile(corpus)
        : notFound('corpus', corpus);
    }
    await file.close();
    await this.#turns.take(index, () => this.#checkPlace(index));
    const there = await this.names();
    // Nothing is waited for from here on, so that two requests do not both take the last place.
    const all = new Set([...there, ...this.#builds.indexes]);
    if (!all.has(index)) checkRoomFor('indexes', all.size, this.#limits.mostIndexes);
    const putInPlace = (passing: string): Promise<void> => this.#putInPlace(index, passing);
    return this.#builds.add(request, (options) =>
      runBuild({ ...request, ...options, tree: this.#tree, space: this.#space, putInPlace }),
    );
  }

  /** Throws `ALREADY_EXISTS` where something else than an index has the place of one. Returns whether there is one. */
  async #checkPlace(index: string): Promise<boolean> {
    if (!(await this.#tree.hasFolder('indexes', index))) return false;
    if (await hasIndex(this.#tree.path('indexes', index))) return true;
    throw new QuernError('ALREADY_EXISTS', 'the folder holds other things than an index', {
      where: `indexes/${index}`,
    });
  }

  /** Puts what is whole in the place of an index. A kill in between leaves the old one beside it, and it is put back. */
  async #putInPlace(index: string, passing: string): Promise<void> {
    await this.#turns.take(index, async () => {
      if (!(await this.#checkPlace(index))) {
        await this.#tree.rename('indexes', passing, index);
        this.#known.add(index);
        return;
      }
      const old = passingName(index, 'old');
      await this.#tree.rename('indexes', index, old);
      try {
        await this.#tree.rename('indexes', passing, index);
      } catch (error) {
        await this.#tree.rename('indexes', old, index);
        throw error;
      }
      await takeAway(this.#tree, 'indexes', old, index).catch(() => undefined);
    });
    this.#onChange(index);
  }
}
