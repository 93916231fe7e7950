/**
 * Data sets of the Hugging Face hub, read where they are: by ranges of their files, none of which is downloaded as a
 * whole.
 */
import { type Environment } from '../../collections/environment.ts';
import { QuernError, throwIfAborted } from '../../errors.ts';
import { fileUrl, mostAttempts } from './hub-download.ts';
import { hubEnvironment, hubToken } from './hub-environment.ts';
import { parseHubId } from './hub-id.ts';
import { fetchListing } from './hub-listing.ts';
import { askedName, refusal, type Asked } from './hub-refusal.ts';
import { hubGet, type HubConnection, type HubReply } from './hub-request.ts';
import { Attempts, defaultTiming, PassingFailure, type HubTiming } from './hub-retry.ts';

/** How a data set is opened. */
export interface HubDatasetOptions {
  /** Where `HF_ENDPOINT`, `HF_TOKEN` and the like are read. Default: `process.env`. */
  readonly env?: Environment;
  readonly signal?: AbortSignal;
  readonly timing?: Partial<HubTiming>;
}

/** A file that is read by ranges: what hyparquet calls an AsyncBuffer. */
export interface RangedFile {
  readonly byteLength: number;
  /** The bytes from `start` to `end` (exclusive), which count from the end where they are negative. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** A data set at a commit. */
export interface HubDatasetFiles {
  readonly repository: string;
  readonly commit: string;
  readonly files: readonly { readonly name: string; readonly size: number }[];
  /** A file, read as it is at the commit. */
  file(name: string): RangedFile;
}

/**
 * The data set `owner/name` or `owner/name@revision`. The revision is resolved to a commit by one request, and all is
 * read at that commit. Throws `USAGE` for what is no id, `NOT_FOUND` for a data set or revision that is not there, or
 * under `HF_HUB_OFFLINE`, `DENIED` for a gated or private one, `NETWORK`, `BAD_REPLY`, also for another commit than the
 * id names, and `ABORTED`; reading throws these too, `BAD_REPLY` where a server does not know ranges.
 */
export async function openHubDataset(id: string, options: HubDatasetOptions = {}): Promise<HubDatasetFiles> {
  const { repository, revision, commit: named } = parseHubId(id, 'dataset');
  const env = options.env ?? process.env;
  const { endpoint, isOffline } = hubEnvironment(env);
  const { stall, pause } = { ...defaultTiming, ...options.timing };
  const { signal } = options;
  throwIfAborted(signal);
  const asked: Asked = { repository, revision, kind: 'dataset' };
  if (isOffline) {
    throw new QuernError('NOT_FOUND', 'the hub must not be asked: HF_HUB_OFFLINE is set', {
      where: askedName(asked),
      hint: 'Name a folder with its files, or unset the variable',
    });
  }
  const connection: HubConnection = { endpoint, token: await hubToken(env), stall, signal };
  const newAttempts = (): Attempts => new Attempts(mostAttempts, pause, signal, tryAgain);
  const { commit, files } = await fetchListing(connection, asked, newAttempts());
  if (named !== undefined && commit !== named) {
    throw new QuernError('BAD_REPLY', `${endpoint.host} answers with the commit ${commit}`, {
      where: askedName(asked),
      hint: 'Check HF_ENDPOINT',
    });
  }
  return {
    repository,
    commit,
    files: files.map(({ name, size }) => ({ name, size })),
    file(name) {
      const byteLength = files.find((file) => file.name === name)?.size;
      const at = { ...asked, revision: commit, file: name };
      if (byteLength === undefined) {
        throw new QuernError('NOT_FOUND', 'no such file', { where: askedName(at) });
      }
      return {
        byteLength,
        slice(start, end = byteLength) {
          const from = Math.max(0, start < 0 ? byteLength + start : start);
          const to = Math.min(byteLength, end < 0 ? byteLength + end : end);
          return fetchRange(connection, at, { from, to, byteLength }, newAttempts());
        },
      };
    },
  };
}

const tryAgain = 'Check the connection and try again, or download the data set, and name its folder';

/** The bytes of a file of `byteLength` bytes from `from` to `to`. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly byteLength: number;
}

async function fetchRange(
  connection: HubConnection,
  asked: Asked,
  range: Range,
  attempts: Attempts,
): Promise<ArrayBuffer> {
  const { from, to } = range;
  if (to <= from) return new ArrayBuffer(0);
  const url = fileUrl(connection.endpoint, asked);
  const bytes = new Uint8Array(to - from);
  for (;;) {
    try {
      const reply = await hubGet(connection, url, { range: `bytes=${from}-${to - 1}` });
      try {
        assertRange(reply, range, asked, connection);
        await receive(reply, bytes);
        return bytes.buffer;
      } finally {
        await reply.discard();
      }
    } catch (error) {
      await attempts.failed(error, askedName(asked));
    }
  }
}

/** Throws where a reply says that what follows is not the range. */
function assertRange(
  reply: HubReply,
  { from, to, byteLength }: Range,
  asked: Asked,
  connection: HubConnection,
): void {
  const { status, headers, host } = reply;
  if (status === 200) {
    throw new QuernError('BAD_REPLY', `${host} sends the whole file when asked for a part of it`, {
      where: askedName(asked),
      hint: 'Does a proxy stand between? Download the data set, and name its folder',
    });
  }
  if (status !== 206) throw refusal(reply, asked, connection);
  // A range of an encoded content is not one of the file.
  const isEncoded = (headers.get('content-encoding') ?? 'identity') !== 'identity';
  const [, first, last, total] =
    /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
  if (isEncoded || Number(first) !== from || Number(last) !== to - 1) {
    throw new PassingFailure(`${host} sends another range than was asked for`);
  }
  if (total !== '*' && Number(total) !== byteLength) {
    throw new PassingFailure(`${host} sends of a file of ${total} bytes, and the hub lists ${byteLength}`);
  }
}

async function receive(reply: HubReply, bytes: Uint8Array): Promise<void> {
  const { host } = reply;
  let received = 0;
  for await (const chunk of reply.chunks()) {
    if (received + chunk.length > bytes.length) throw new PassingFailure(`${host} sends more than the range`);
    bytes.set(chunk, received);
    received += chunk.length;
  }
  if (received < bytes.length) {
    throw new PassingFailure(`${host} ended after ${received} of ${bytes.length} bytes`);
  }
}
