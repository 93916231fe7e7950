import { QuernError } from '../../errors.ts';
import { isOpenSearchName } from '../../opensearch/address.ts';
import type { DataFolder } from '../data/data-folder.ts';
import {
  folderIndexInfo,
  type DataIndexInfo,
  type FolderIndexInfo,
  type Unreadable,
} from '../data/data-lists.ts';
import type { Service } from './service.ts';

/** The vectors of an index, as clients are told of them. */
export interface DescribedVectors {
  /** The name under which the embedder is declared; null where none is. */
  readonly embedder: string | null;
  readonly vectors: number;
  readonly dimensions: number;
}

/** An index as clients are told of it: nothing of where it lies. */
export interface DescribedIndex
  extends Partial<Omit<FolderIndexInfo, 'vectors'>>, Pick<DataIndexInfo, 'builtFrom'> {
  readonly name: string;
  readonly source: 'declared' | 'built';
  /** The retriever where a request names none. */
  readonly retriever: string;
  /** Whether there are questions that it can be asked. */
  readonly hasQuestions: boolean;
  readonly vectors?: readonly DescribedVectors[];
  /** Why it cannot be read. */
  readonly error?: Unreadable['error'];
}

/** All indexes of a service, the declared ones first. */
export async function describedIndexes(
  service: Service,
  data: DataFolder | undefined,
): Promise<DescribedIndex[]> {
  const all: DescribedIndex[] = [];
  for (const name of service.indexes.names) {
    if (service.indexes.isDeclared(name)) all.push(await describedDeclared(service, name));
  }
  for (const each of (await data?.indexes.list()) ?? []) {
    if (!service.indexes.isDeclared(each.name)) all.push(describedBuilt(service, each));
  }
  return all;
}

/** An index by its name. Throws `NOT_FOUND`, and for one that was built what reading it throws. */
export async function describedIndex(
  service: Service,
  data: DataFolder | undefined,
  name: string,
): Promise<DescribedIndex> {
  if (service.indexes.isDeclared(name)) return describedDeclared(service, name);
  if (data) return describedBuilt(service, await data.indexes.get(name));
  service.indexes.named(name, 'name');
  throw new QuernError('NOT_FOUND', `there is no index ${name}`, { where: 'name' });
}

/** The name under which an embedder is declared; null where none is: its full name can hold paths and addresses. */
export function embedderName({ config }: Pick<Service, 'config'>, id: string): string | null {
  return [...config.embedders].find(([, { model }]) => model === id)?.[0] ?? null;
}

function describedBuilt(service: Service, index: DataIndexInfo | Unreadable): DescribedIndex {
  const { name, ...rest } = index;
  const known = { name, source: 'built', retriever: 'bm25', hasQuestions: false } as const;
  return 'vectors' in rest ? { ...known, ...withNames(service, rest) } : { ...known, ...rest };
}

async function describedDeclared(service: Service, name: string): Promise<DescribedIndex> {
  const { index, retriever, questions } = service.indexes.named(name, 'name');
  const known = { name, source: 'declared', retriever, hasQuestions: questions !== undefined } as const;
  try {
    if (!isOpenSearchName(index)) return { ...known, ...withNames(service, await folderIndexInfo(index)) };
    return await service.indexes.use(name, 'name', async ({ index: open }) => ({
      ...known,
      documents: open.facts.documents,
      analyzer: open.analyzer,
      stored: open.hasStore,
    }));
  } catch (error) {
    if (!(error instanceof QuernError)) throw error;
    return { ...known, error: { code: error.code, message: 'it cannot be read' } };
  }
}

function withNames<T extends FolderIndexInfo>(
  service: Service,
  info: T,
): Omit<T, 'vectors'> & { readonly vectors: DescribedVectors[] } {
  const vectors = info.vectors.map((each) => ({ ...each, embedder: embedderName(service, each.embedder) }));
  return { ...info, vectors };
}
