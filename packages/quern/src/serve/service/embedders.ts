import { openEmbedder } from '../../dense/embedders.ts';
import type { Embedder } from '../../dense/embedder.ts';
import { QuernError } from '../../errors.ts';
import type { OpenEmbedders } from '../../search/retrievers.ts';
import { retrieverNamed } from '../../search/retrievers.ts';
import type { Warnings } from '../../warnings.ts';
import { Declared } from '../configuration/names.ts';
import type { DeclaredModel } from '../configuration/service-config.ts';

/** The embedders of a service: those that are declared by a name, and those that declared retrievers need. Each is opened once. */
export class Embedders {
  readonly #declared: Declared<DeclaredModel>;
  readonly #options: { readonly cacheFolder?: string; readonly warnings: Warnings };
  readonly #opened = new Map<string, Promise<Embedder>>();

  constructor(
    declared: ReadonlyMap<string, DeclaredModel>,
    options: { readonly cacheFolder?: string; readonly warnings: Warnings },
  ) {
    this.#declared = new Declared('embedder', declared);
    this.#options = options;
  }

  get names(): string[] {
    return this.#declared.names;
  }

  /** The one that a request names. Throws as {@link Declared.named} does, and `UNAVAILABLE` where it cannot be opened. */
  async named(name: string, where: string): Promise<Embedder> {
    const { model } = this.#declared.named(name, where);
    return this.#open(model).catch((cause: unknown) => {
      throw new QuernError('UNAVAILABLE', `the embedder ${name} cannot be opened`, { cause });
    });
  }

  /** Those that a retriever needs, by their full names. Throws what opening one throws. */
  async ofRetriever(retriever: string): Promise<OpenEmbedders> {
    const { embedders } = retrieverNamed(retriever);
    return new Map(await Promise.all(embedders.map(async (each) => [each, await this.#open(each)] as const)));
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.values())
      await opened.then((each) => each.close()).catch(() => undefined);
  }

  #open(model: string): Promise<Embedder> {
    const known = this.#opened.get(model);
    if (known) return known;
    const declared = [...this.#declared.entries()].find(([, each]) => each.model === model)?.[1];
    const opened = openEmbedder(model, {
      ...this.#options,
      ...(declared?.keyVariable !== undefined && { keyVariable: declared.keyVariable }),
    });
    this.#opened.set(model, opened);
    opened.catch(() => this.#opened.delete(model));
    return opened;
  }
}
