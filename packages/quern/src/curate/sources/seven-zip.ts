/** Reading `.7z` archives by way of a program that can: 7-Zip itself or one that takes its arguments. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { chmod, access, constants } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { QuernError, throwIfAborted } from '../../errors.ts';
import { oneLine } from '../../one-line.ts';

/** The names that the program goes by, the most capable first. */
const programs = ['7zz', '7z', '7za'];

/** A file in an archive. */
export interface ArchivedFile {
  /** Its path in the archive, with `/`. */
  readonly name: string;
  /** Its bytes when it is unpacked, where the archive tells. */
  readonly bytes?: number;
}

/**
 * The files in an archive. Throws `CORRUPT_FILE` where it is damaged or cut off, `MISSING_PACKAGE` where no 7-Zip program is
 * installed.
 */
export async function archivedFiles(archive: string, signal?: AbortSignal): Promise<ArchivedFile[]> {
  const process = await started(['l', '-slt', '-ba', '-sccUTF-8', '--', asPath(archive)], signal);
  let listing = '';
  for await (const chunk of process.child.stdout) {
    listing += String(chunk);
    if (listing.length > 1 << 24) break;
  }
  await process.ended(archive);
  return listing.split(/\r?\n\r?\n/).flatMap((entry) => {
    const name = /^Path = (.*)$/m.exec(entry)?.[1];
    const bytes = /^Size = (\d+)$/m.exec(entry)?.[1];
    return name === undefined
      ? []
      : [{ name: name.replaceAll('\\', '/'), ...(bytes !== undefined && { bytes: Number(bytes) }) }];
  });
}

/**
 * The bytes of one file of an archive, from `offset` on, as they are unpacked; what comes before is unpacked and let go.
 * Errors are those of {@link archivedFiles}; also where it breaks off midway.
 */
export async function* archivedBytes(
  archive: string,
  name: string,
  { offset = 0, signal }: { readonly offset?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<Buffer> {
  const { child, ended } = await started(['x', '-so', '-spd', '-y', '--', asPath(archive), name], signal);
  let skip = offset;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      throwIfAborted(signal);
      if (skip >= chunk.length) skip -= chunk.length;
      else {
        yield chunk.subarray(skip);
        skip = 0;
      }
    }
    await ended(archive);
  } finally {
    child.kill('SIGKILL');
  }
}

/** A path that is no option, whatever it begins with. */
function asPath(path: string): string {
  return /^[-@]/.test(path) ? `./${path}` : path;
}

interface Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Waits for its end. Throws where it failed. */
  ended(archive: string): Promise<void>;
}

async function started(args: readonly string[], signal?: AbortSignal): Promise<Running> {
  for (const program of [...programs, ...(await packagedProgram())]) {
    throwIfAborted(signal);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
    const isThere = await new Promise<boolean>((resolve) => {
      child.once('spawn', () => resolve(true));
      child.once('error', () => resolve(false));
    });
    if (!isThere) continue;
    let said = '';
    child.stderr.on('data', (chunk) => (said = (said + String(chunk)).slice(-2000)));
    // What aborting brings is told by the signal.
    child.on('error', () => undefined);
    const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    return {
      child,
      async ended(archive) {
        const code = await exit;
        throwIfAborted(signal);
        if (code === 0) return;
        throw new QuernError('CORRUPT_FILE', `7-Zip cannot read it (${reasonOf(said, code)})`, {
          where: archive,
          hint: 'It may have been cut off: fetch it again',
        });
      },
    };
  }
  throw new QuernError('MISSING_PACKAGE', 'a .7z archive is read by a 7-Zip program, and none is there', {
    hint: `Install one (${programs.join(', ')}; the package p7zip-full or 7zip of the system), or npm install 7zip-bin`,
  });
}

function reasonOf(said: string, code: number | null): string {
  const lines = said.split('\n');
  const line = lines.find((each) =>
    /unexpected end|headers error|data error|crc failed|is not (?:an )?archive|can ?not open/i.test(each),
  );
  return line === undefined ? `exit code ${code}` : oneLine(line, 120);
}

/** The program in the package `7zip-bin`, where that is installed. Its file comes without the right to be run. */
async function packagedProgram(): Promise<string[]> {
  const name = '7zip-bin';
  try {
    const { path7za } = ((await import(name)) as { default: { path7za: string } }).default;
    await access(path7za, constants.X_OK).catch(() => chmod(path7za, 0o755));
    return [path7za];
  } catch {
    return [];
  }
}
