import { QuernError } from '../../errors.ts';
import type { Warnings } from '../../warnings.ts';
import { Declared, checkIsName, unknownName } from '../configuration/names.ts';
import type { DeclaredIndex } from '../configuration/service-config.ts';
import type { Observer } from './observer.ts';
import { OpenIndex, stateOnDisk } from './open-index.ts';
import { SharedResource } from './shared-resource.ts';

/** How long the state on disk is taken to be as it was, in milliseconds. */
const patience = 1000;

/** Indexes that were not declared but built by the service. */
export interface BuiltIndexes {
  /** Their names. */
  readonly names: readonly string[];
  /** What is searched under a name; undefined where there is none. */
  named(name: string): DeclaredIndex | undefined;
  /** What `opened` makes of one, which nothing takes the place of meanwhile. Throws where there is none any more. */
  open<T>(name: string, opened: () => Promise<T>): Promise<T>;
}

/** One index that is open. */
interface Entry {
  readonly shared: SharedResource<OpenIndex>;
  readonly state: string | undefined;
  lookedAt: number;
  /** A later state that could not be opened. */
  refused?: string;
}

/** What indexes are opened with. */
export interface IndexesSettings extends Pick<Observer, 'failed'> {
  readonly warnings: Warnings;
}

/**
 * The indexes of a service by their names, each opened when it is first searched. One that was changed or replaced on disk is
 * opened anew by the next search that comes a second or more after the last look; searches under way go on with what they have.
 */
export class Indexes {
  readonly #declared: Declared<DeclaredIndex>;
  readonly #built: BuiltIndexes;
  readonly #warnings: Warnings;
  readonly #failed: Observer['failed'];
  readonly #entries = new Map<string, Promise<Entry>>();

  constructor(
    declared: ReadonlyMap<string, DeclaredIndex>,
    built: BuiltIndexes,
    { warnings, failed }: IndexesSettings,
  ) {
    this.#declared = new Declared('index', declared);
    this.#built = built;
    this.#warnings = warnings;
    this.#failed = failed;
  }

  /** The names of all, declared ones first. */
  get names(): string[] {
    return [...this.#declared.names, ...this.#built.names.filter((name) => !this.#declared.has(name))];
  }

  /** Whether the configuration declares it. */
  isDeclared(name: string): boolean {
    return this.#declared.has(name);
  }

  /** What is searched under a name. Throws `BAD_INPUT` and `NOT_FOUND` as {@link Declared} does. */
  named(name: string, where: string): DeclaredIndex {
    checkIsName(name, where);
    const found = this.#declared.has(name) ? this.#declared.named(name, where) : this.#built.named(name);
    if (found) return found;
    throw unknownName('index', name, this.names, where);
  }

  /** What `work` makes of an open index, which stays open meanwhile. Throws `UNAVAILABLE` where it cannot be opened. */
  async use<R>(name: string, where: string, work: (index: OpenIndex) => Promise<R>): Promise<R> {
    for (;;) {
      const declared = this.named(name, where);
      const { shared } = await this.#current(name, declared);
      // Another search may have replaced it in this moment.
      if (!shared.isLetGo) return shared.use(work);
    }
  }

  /** Forgets an index that is no more, or that another takes the place of. */
  async forget(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    await entry?.then(({ shared }) => shared.letGo()).catch(() => undefined);
  }

  /** Closes all of them, each when nobody uses it any more. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((name) => this.forget(name)));
  }

  async #current(name: string, declared: DeclaredIndex): Promise<Entry> {
    const known = this.#entries.get(name);
    if (known === undefined) {
      const opened = this.#open(name, declared);
      this.#entries.set(name, opened);
      opened.catch(() => {
        if (this.#entries.get(name) === opened) this.#entries.delete(name);
      });
      return opened;
    }
    const entry = await known;
    if (performance.now() - entry.lookedAt < patience) return entry;
    // Others search what there is while this one looks.
    entry.lookedAt = performance.now();
    const state = await stateOnDisk(declared.index);
    // One that is gone from disk is searched while it is open.
    if (state === entry.state || state === undefined) return entry;
    const next = await this.#renewed(name, declared, entry.shared).catch((error: unknown) => {
      // It may be being written; and else it is told once.
      if (entry.refused !== state) this.#failed(`index ${name}`, codeOf(error), error);
      entry.refused = state;
    });
    if (!next) return entry;
    if (this.#entries.get(name) !== known) {
      void next.shared.letGo();
      return entry;
    }
    this.#entries.set(name, Promise.resolve(next));
    void entry.shared.letGo();
    return next;
  }

  /** An index as it lies on disk now, ready for what the old one was asked. Throws what opening it does. */
  async #renewed(name: string, declared: DeclaredIndex, old: SharedResource<OpenIndex>): Promise<Entry> {
    const next = await this.#open(name, declared);
    try {
      await next.shared.value.openAlike(old.value);
      return next;
    } catch (error) {
      await next.shared.letGo();
      throw error;
    }
  }

  async #open(name: string, declared: DeclaredIndex): Promise<Entry> {
    const state = await stateOnDisk(declared.index);
    try {
      const opened = (): Promise<OpenIndex> => OpenIndex.open(declared, this.#warnings);
      const open = await (this.#declared.has(name) ? opened() : this.#built.open(name, opened));
      const shared = new SharedResource(open, (each) => each.close());
      return { shared, state, lookedAt: performance.now() };
    } catch (cause) {
      throw new QuernError('UNAVAILABLE', `the index ${name} cannot be opened`, { cause });
    }
  }
}

function codeOf(error: unknown): string {
  const { cause = error } = error as Error;
  return cause instanceof QuernError ? cause.code : 'INTERNAL';
}
