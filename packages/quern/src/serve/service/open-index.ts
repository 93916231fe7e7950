import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isOpenSearchName } from '../../opensearch/address.ts';
import { vectorManifestName } from '../../dense/vector-manifest.ts';
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
  readonly #embedders = new Map<string, OpenEmbedders>();

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
      this.#embedders.set(name, embedders);
      // What fails is tried again by the next request: vectors may come to be meanwhile.
      opened.catch(() => {
        this.#retrievers.delete(name);
        this.#embedders.delete(name);
      });
    }
    return (await opened).retriever;
  }

  /** Opens the retrievers that another has open, whose place it is to take. Throws what opening them does. */
  async openAlike(other: OpenIndex): Promise<void> {
    for (const [name, embedders] of other.#embedders) await this.retriever(name, embedders);
  }

  async close(): Promise<void> {
    for (const opened of this.#retrievers.values())
      await opened.then((each) => each.close()).catch(() => undefined);
    await this.index.close();
  }
}

/**
 * What says which state of an index and of its vectors lies on disk: another text, another state. Undefined of an index in a
 * cluster, and where there is none.
 */
export async function stateOnDisk(index: string): Promise<string | undefined> {
  if (isOpenSearchName(index)) return undefined;
  try {
    const stamps = [await stampOf(join(index, manifestFileName))];
    for (const name of (await readdir(index)).toSorted()) {
      if (!name.startsWith('dense-')) continue;
      stamps.push(await stampOf(join(index, name, vectorManifestName)).catch(() => 'none'));
    }
    return stamps.join(', ');
  } catch {
    return undefined;
  }
}

async function stampOf(file: string): Promise<string> {
  const { ino, mtimeMs, size } = await stat(file);
  return `${ino} ${mtimeMs} ${size}`;
}
