import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isOpenSearchName } from '../../opensearch/address.ts';
import { manifestFileName } from '../../lexical/index-folder.ts';
import {
  openRetriever,
  retrieverNamed,
  type OpenEmbedders,
  type OpenRetriever,
} from '../../search/retrievers.ts';
import { openSearchedIndex, type SearchedIndex } from '../../search/searched-index.ts';
import type { Warnings } from '../../warnings.ts';
import type { DeclaredIndex } from '../configuration/service-config.ts';

/** An open index with the retrievers over it, each opened when it is first asked for. */
export class OpenIndex {
  readonly index: SearchedIndex;
  readonly declared: DeclaredIndex;
  readonly #warnings: Warnings;
  readonly #retrievers = new Map<string, Promise<OpenRetriever>>();

  constructor(index: SearchedIndex, declared: DeclaredIndex, warnings: Warnings) {
    this.index = index;
    this.declared = declared;
    this.#warnings = warnings;
  }

  /** Opens it. Throws what opening an index does. */
  static async open(declared: DeclaredIndex, warnings: Warnings): Promise<OpenIndex> {
    return new OpenIndex(await openSearchedIndex(declared.index), declared, warnings);
  }

  /** The retriever of a name as on the command line; `embedders` are those that it needs. Throws what opening it does. */
  async retriever(name: string, embedders: OpenEmbedders): Promise<OpenRetriever['retriever']> {
    let opened = this.#retrievers.get(name);
    if (opened === undefined) {
      const { index, parameters } = this.declared;
      const context = { index: this.index, folder: index, parameters, warnings: this.#warnings };
      opened = openRetriever(retrieverNamed(name), embedders, context);
      this.#retrievers.set(name, opened);
      // What fails is tried again by the next request: vectors may come to be meanwhile.
      opened.catch(() => this.#retrievers.delete(name));
    }
    return (await opened).retriever;
  }

  async close(): Promise<void> {
    for (const opened of this.#retrievers.values())
      await opened.then((each) => each.close()).catch(() => undefined);
    await this.index.close();
  }
}

/**
 * What says which state of an index lies on disk: another text, another state. Undefined of an index in a cluster, and where there
 * is none.
 */
export async function stateOnDisk(index: string): Promise<string | undefined> {
  if (isOpenSearchName(index)) return undefined;
  try {
    const { ino, mtimeMs, size } = await stat(join(index, manifestFileName));
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return undefined;
  }
}
