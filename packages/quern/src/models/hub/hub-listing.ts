import { QuernError } from '../../errors.ts';
import { isCommit } from './hub-id.ts';
import { askedName, refusal, type Asked } from './hub-refusal.ts';
import { hubGet, hubUrl, type HubConnection } from './hub-request.ts';
import { Attempts } from './hub-retry.ts';

/** A file of a repository. */
export interface HubFile {
  /** Its path within the repository, with `/` between the parts. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** The SHA-256 of its content, where the hub keeps it outside of git. */
  readonly sha256?: string;
  /** The SHA-1 that git knows it by; of a file with `sha256` that is of the pointer to it. */
  readonly blobId: string;
}

/** What a repository holds at a commit. */
export interface HubListing {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** The name of a file's content in the cache: the hub's entity tag. */
export function etagOf({ sha256, blobId }: HubFile): string {
  return sha256 ?? blobId;
}

const longestListing = 64 << 20;

/**
 * The files of a repository at a revision, and the commit that this is now, by one request to the hub's API, which is
 * tried `attempts` times. Throws `NETWORK`, `DENIED`, `NOT_FOUND`, and `BAD_REPLY` for anything but a list of files with
 * sizes, checksums and plain names.
 */
export async function fetchListing(
  connection: HubConnection,
  asked: Asked,
  attempts: Attempts,
): Promise<HubListing> {
  const { repository, revision, kind } = asked;
  const path = `api/${kind === 'dataset' ? 'datasets' : 'models'}/${repository}/revision/${encodeURIComponent(revision)}`;
  const url = hubUrl(connection.endpoint, path);
  url.search = '?blobs=true';
  for (;;) {
    try {
      const reply = await hubGet(connection, url, { accept: 'application/json' });
      try {
        if (reply.status !== 200) throw refusal(reply, asked, connection);
        const parts: Uint8Array[] = [];
        let length = 0;
        for await (const part of reply.chunks()) {
          length += part.length;
          if (length > longestListing) throw unusable(`more than ${longestListing} bytes`, asked, reply.host);
          parts.push(part);
        }
        return parseListing(Buffer.concat(parts).toString('utf8'), asked, reply.host);
      } finally {
        await reply.discard();
      }
    } catch (error) {
      await attempts.failed(error, askedName(asked));
    }
  }
}

/** The list of files in a reply of the hub's API. Throws `BAD_REPLY`, naming `host`. */
export function parseListing(json: string, asked: Asked, host: string): HubListing {
  const { sha, siblings } = fieldsOf(parsedJson(json, asked, host));
  if (typeof sha !== 'string' || !isCommit(sha)) throw unusable('no commit', asked, host);
  if (!Array.isArray(siblings)) throw unusable('no list of files', asked, host);
  const files = siblings.map((sibling) => fileOf(fieldsOf(sibling), asked, host));
  const names = new Set(files.map(({ name }) => name));
  if (names.size < files.length) throw unusable('a file twice', asked, host);
  return { commit: sha, files };
}

/**
 * Whether a file's name leads to a place below the folder that it is put into, on every system: parts with `/` between
 * them, none of which is empty, `.` or `..`, no backslash, no drive, no control character, no half of one.
 */
export function isPlainName(name: string): boolean {
  return (
    name.length <= 1024 &&
    !/^[A-Za-z]:|[\\\p{Cc}\p{Cs}]/u.test(name) &&
    name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** Whether these are a size and checksums that a file can have. */
export function isHubFile({ size, sha256, blobId }: Partial<Record<keyof HubFile, unknown>>): boolean {
  return (
    Number.isSafeInteger(size) &&
    (size as number) >= 0 &&
    typeof blobId === 'string' &&
    /^[0-9a-f]{40}$/.test(blobId) &&
    (sha256 === undefined || (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)))
  );
}

function fileOf({ rfilename, size, blobId, lfs }: Fields, asked: Asked, host: string): HubFile {
  if (typeof rfilename !== 'string') throw unusable('a file without a name', asked, host);
  const quoted = JSON.stringify(rfilename.slice(0, 200));
  if (!isPlainName(rfilename)) throw unusable(`the file name ${quoted}`, asked, host);
  const stored = lfs === undefined || lfs === null ? undefined : fieldsOf(lfs);
  const facts = { size: stored?.size ?? size, blobId, ...(stored ? { sha256: stored.sha256 ?? null } : {}) };
  if (!isHubFile(facts)) throw unusable(`no usable size and checksums of ${quoted}`, asked, host);
  return { name: rfilename, ...(facts as Omit<HubFile, 'name'>) };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function parsedJson(json: string, asked: Asked, host: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw unusable('no whole JSON document', asked, host);
  }
}

function unusable(what: string, asked: Asked, host: string): QuernError {
  return new QuernError('BAD_REPLY', `${host} answers with ${what} when asked for the list of files`, {
    where: askedName(asked),
    hint: 'Check HF_ENDPOINT, and whether a proxy or a login page stands between',
  });
}
