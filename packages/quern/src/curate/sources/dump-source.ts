import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { readBytes } from '../../collections/bytes.ts';
import { fileBytes, firstFile, pathKind, pathKindIfAny } from '../../collections/files.ts';
import { fileError, QuernError, throwIfAborted } from '../../errors.ts';
import { archivedBytes, archivedFiles } from './seven-zip.ts';
import type { RowPosition } from './xml-rows.ts';

/** A file of a dump, wherever it lies. */
export interface DumpFile {
  /** As places name it. */
  readonly name: string;
  /** Its bytes when unpacked, where they are known. */
  readonly bytes?: number;
  /** Its bytes from `from` on. */
  read(from: RowPosition, signal?: AbortSignal): AsyncIterable<Buffer>;
}

/** The files of a site's dump that are read. */
export interface Dump {
  /** What the site is told by: the name of the folder or the archive. */
  readonly label: string;
  readonly posts: DumpFile;
  /** Which posts the site has marked as duplicates, where the dump tells. */
  readonly links?: DumpFile;
  /** The names of the authors, where the dump has them. */
  readonly users?: DumpFile;
}

const chunkBytes = 256 * 1024;

/** The dump in a folder with `Posts.xml`; undefined where it has none. */
export async function folderDump(folder: string): Promise<Dump | undefined> {
  const posts = await firstFile(folder, ['Posts.xml', 'posts.xml', 'Posts.xml.gz']);
  if (posts === undefined) return undefined;
  const links = await firstFile(folder, ['PostLinks.xml', 'postlinks.xml']);
  const users = await firstFile(folder, ['Users.xml', 'users.xml']);
  return {
    label: basename(folder),
    posts: await plainFile(posts),
    ...(links !== undefined && { links: await plainFile(links) }),
    ...(users !== undefined && { users: await plainFile(users) }),
  };
}

/** The dump whose posts are one XML file. */
export async function fileDump(path: string, label: string): Promise<Dump> {
  return { label, posts: await plainFile(path) };
}

/** The dump in an official archive. Throws `BAD_INPUT` where it holds no `Posts.xml`, and what reading it throws. */
export async function archiveDump(archive: string, signal?: AbortSignal): Promise<Dump> {
  const posts = await archivedFile(archive, 'posts.xml', signal);
  if (!posts) {
    throw new QuernError('BAD_INPUT', 'holds no Posts.xml', {
      where: archive,
      hint: "Stack Overflow's posts have an archive of their own, stackoverflow.com-Posts.7z",
    });
  }
  const links = await besideArchive(archive, 'PostLinks', signal);
  const users = await besideArchive(archive, 'Users', signal);
  return { label: basename(archive), posts, ...(links && { links }), ...(users && { users }) };
}

async function archivedFile(
  archive: string,
  name: string,
  signal?: AbortSignal,
): Promise<DumpFile | undefined> {
  const files = await archivedFiles(archive, signal);
  const [found, other] = files.filter((file) => basename(file.name).toLowerCase() === name);
  if (other) {
    throw new QuernError('BAD_INPUT', `holds several ${basename(found.name)}: ${found.name}, ${other.name}`, {
      where: archive,
      hint: 'Unpack it, and name the folders',
    });
  }
  return (
    found && {
      name: `${archive} (${found.name})`,
      ...(found.bytes !== undefined && { bytes: found.bytes }),
      read: ({ offset }, stop) => archivedBytes(archive, found.name, { offset, signal: stop }),
    }
  );
}

/** Another file of the dump: in the archive itself or, as of Stack Overflow, in one of its own beside it. */
async function besideArchive(
  archive: string,
  table: 'PostLinks' | 'Users',
  signal?: AbortSignal,
): Promise<DumpFile | undefined> {
  const name = `${table}.xml`.toLowerCase();
  if (!/-posts\.7z$/i.test(archive)) return archivedFile(archive, name, signal);
  const other = archive.replace(/-posts\.7z$/i, `-${table}.7z`);
  return (await pathKindIfAny(other)) === undefined ? undefined : archivedFile(other, name, signal);
}

/** A file that is read from anywhere inside, unless it is compressed. */
async function plainFile(path: string): Promise<DumpFile> {
  const isGzip = path.endsWith('.gz');
  const { isFolder } = await pathKind(path);
  if (isFolder) throw new QuernError('IO', 'is a folder, not a file', { where: path });
  return {
    name: path,
    ...(!isGzip && { bytes: await fileBytes(path) }),
    read: (from, signal) =>
      isGzip ? after(readBytes(path, { signal }), from.offset) : fileFrom(path, from.offset, signal),
  };
}

async function* fileFrom(path: string, offset: number, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const file = await open(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  try {
    for (let at = offset; ;) {
      throwIfAborted(signal);
      const buffer = Buffer.allocUnsafe(chunkBytes);
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await file.close();
  }
}

/** The bytes after the first `offset`. */
export async function* after(chunks: AsyncIterable<Buffer>, offset: number): AsyncGenerator<Buffer> {
  let skip = offset;
  for await (const chunk of chunks) {
    if (skip >= chunk.length) skip -= chunk.length;
    else {
      yield chunk.subarray(skip);
      skip = 0;
    }
  }
}
