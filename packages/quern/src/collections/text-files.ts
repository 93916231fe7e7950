import { isUtf8 } from 'node:buffer';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { compareBytes } from '../byte-order.ts';
import { QuernError, fileError, throwIfAborted } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import type { CorpusOptions, Placed, TextCorpus } from './corpus.ts';
import { warnIfEmpty } from './documents.ts';
import { pathKind } from './files.ts';
import { readText } from './lines.ts';
import { idText } from './record-fields.ts';
import type { Document } from './records.ts';

const TEXT_FILE_NAME = /\.(txt|md|text)$/i;

/** Whether a file's name is one of those that are read from a folder of texts: `.txt`, `.md`, `.text`. */
export function isTextFileName(name: string): boolean {
  return TEXT_FILE_NAME.test(name);
}

/**
 * The corpus in text files: a file is one document, a folder one document for each `.txt`, `.md` or `.text` file at any
 * depth, in the byte order of their paths. A document's id is its path below the folder, with `/`; a single file's id
 * is its name. Other files, hidden ones and `node_modules` are skipped and symbolic links inside the folder not followed,
 * all counted as warnings. Throws `NOT_FOUND`.
 */
export async function textFilesCorpus(path: string, options: CorpusOptions = {}): Promise<TextCorpus> {
  const { isFolder, bytes } = await pathKind(path);
  const { signal, warnings } = options;
  return {
    kind: 'text',
    bytes,
    async *documents(onBytes) {
      const files = isFolder ? textFiles(path, options) : [{ id: basename(path), path }];
      for await (const file of files) yield await textDocument(file, warnings, { signal, onBytes });
    },
  };
}

/** Whether there is a text file in `folder`, at any depth. */
export async function holdsTextFiles(folder: string, signal?: AbortSignal): Promise<boolean> {
  for await (const _ of textFiles(folder, { signal })) return true;
  return false;
}

interface TextFile {
  /** Its path below the folder, with `/`. */
  readonly id: string;
  readonly path: string;
}

async function textDocument(
  file: TextFile,
  warnings: Warnings | undefined,
  reading: Parameters<typeof readText>[1],
): Promise<Placed<Document>> {
  const id = idText(file.id, 'the id made of its name', file.path);
  const document = { id, title: '', text: await readText(file.path, reading) };
  warnIfEmpty(document, file.path, warnings);
  return { where: file.path, document };
}

/** The text files below `folder` in the byte order of their paths, one folder's listing at a time. */
async function* textFiles(folder: string, options: CorpusOptions, above = ''): AsyncGenerator<TextFile> {
  throwIfAborted(options.signal);
  for (const { name, kind } of await listing(folder)) {
    const path = join(folder, name);
    if (name.startsWith('.') || name === 'node_modules') {
      options.warnings?.add('hidden or node_modules, skipped', path);
    } else if (kind === 'folder') yield* textFiles(path, options, `${above}${name}/`);
    else if (kind === 'link') options.warnings?.add('symbolic link not followed', path);
    else if (isTextFileName(name)) yield { id: above + name, path };
    else options.warnings?.add('not a text file (.txt, .md, .text), skipped', path);
  }
}

interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link';
}

/**
 * What is in a folder, sorted so that walking it depth first gives whole paths in byte order: a folder sorts as its
 * name with a slash. Names are read as bytes, for a name that is not UTF-8 could not be opened again.
 */
async function listing(folder: string): Promise<Entry[]> {
  const found = await readdir(folder, { withFileTypes: true, encoding: 'buffer' }).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  const entries: Entry[] = [];
  for (const entry of found) {
    if (!isUtf8(entry.name)) {
      const shown = JSON.stringify(entry.name.toString('latin1'));
      throw new QuernError('BAD_INPUT', `the name of a file is not UTF-8: ${shown}`, { where: folder });
    }
    const name = entry.name.toString('utf8');
    if (entry.isDirectory()) entries.push({ name, kind: 'folder' });
    else if (entry.isSymbolicLink()) entries.push({ name, kind: 'link' });
    else if (entry.isFile()) entries.push({ name, kind: 'file' });
  }
  const key = ({ name, kind }: Entry): string => (kind === 'folder' ? `${name}/` : name);
  return entries.sort((a, b) => compareBytes(key(a), key(b)));
}
