import type { Reranker } from '../../dense/reranker.ts';
import { openReranker } from '../../dense/rerankers.ts';
import { QuernError } from '../../errors.ts';
import type { Warnings } from '../../warnings.ts';
import { Declared } from '../configuration/names.ts';
import type { DeclaredModel } from '../configuration/service-config.ts';

/** The rerankers of a service by their names, each opened when it is first asked for. */
export class Rerankers {
  readonly #declared: Declared<DeclaredModel>;
  readonly #options: { readonly cacheFolder?: string; readonly warnings: Warnings };
  readonly #opened = new Map<string, Promise<Reranker>>();

  constructor(
    declared: ReadonlyMap<string, DeclaredModel>,
    options: { readonly cacheFolder?: string; readonly warnings: Warnings },
  ) {
    this.#declared = new Declared('reranker', declared);
    this.#options = options;
  }

  get names(): string[] {
    return this.#declared.names;
  }

  /** The one that a request names. Throws as {@link Declared.named} does, and `UNAVAILABLE` where it cannot be opened. */
  async named(name: string, where: string): Promise<Reranker> {
    const { model, keyVariable } = this.#declared.named(name, where);
    let opened = this.#opened.get(name);
    if (opened === undefined) {
      opened = openReranker(model, { ...this.#options, ...(keyVariable !== undefined && { keyVariable }) });
      this.#opened.set(name, opened);
      opened.catch(() => this.#opened.delete(name));
    }
    return opened.catch((cause: unknown) => {
      throw new QuernError('UNAVAILABLE', `the reranker ${name} cannot be opened`, { cause });
    });
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.values())
      await opened.then((each) => each.close()).catch(() => undefined);
  }
}
