import { excerpt } from '../../collections/jsonl.ts';
import { QuernError } from '../../errors.ts';

/** What a name that a configuration declares looks like: nothing of it can be a path, an address or a hub id. */
export const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** In words. */
export const nameWords =
  'up to 64 letters, digits, dots, dashes and underscores, the first a letter or a digit';

/** What is declared under names of one kind, e.g. reasoners. */
export class Declared<T> {
  readonly #kind: string;
  readonly #byName: ReadonlyMap<string, T>;

  constructor(kind: string, byName: ReadonlyMap<string, T>) {
    this.#kind = kind;
    this.#byName = byName;
  }

  /** All names, in the order of their declaration. */
  get names(): string[] {
    return [...this.#byName.keys()];
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  entries(): IterableIterator<[string, T]> {
    return this.#byName.entries();
  }

  /**
   * What a request names. Throws `BAD_INPUT` for what cannot be a name, such as paths, addresses and hub ids, and `NOT_FOUND`
   * for what is not declared; `where` is the field of the request.
   */
  named(name: string, where: string): T {
    checkIsName(name, where);
    const found = this.#byName.get(name);
    if (found !== undefined) return found;
    throw unknownName(this.#kind, name, this.names, where);
  }
}

/** Throws `BAD_INPUT` for what is no name. */
export function checkIsName(name: string, where: string): void {
  if (namePattern.test(name)) return;
  throw new QuernError('BAD_INPUT', `${excerpt(name)} is no name`, {
    where,
    hint: 'Requests choose among the names that the configuration declares; paths, addresses and hub ids stand there alone',
  });
}

/** The error for a name that is not declared; it lists the first twenty that are. */
export function unknownName(kind: string, name: string, names: readonly string[], where: string): QuernError {
  // In quotes, as "there are none" says something else.
  const told = names.slice(0, 20).map((each) => (each === 'none' ? '"none"' : each));
  const shown = told.join(', ') + (names.length > 20 ? ', …' : '');
  const declared = names.length === 1 ? `There is only ${shown}` : `There are ${shown}`;
  const hint = names.length === 0 ? `No ${kind} is declared` : declared;
  return new QuernError('NOT_FOUND', `there is no ${kind} ${name}`, { where, hint });
}
