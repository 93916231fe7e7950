import { QuernError } from '../../errors.ts';
import { IncomingFile } from './hub-content.ts';
import type { HubFile } from './hub-listing.ts';
import { askedName, refusal, type Asked, repositoryPath } from './hub-refusal.ts';
import { hubGet, hubUrl, type HubConnection, type HubReply } from './hub-request.ts';
import { Attempts, PassingFailure } from './hub-retry.ts';

/** A file to fetch. */
export interface Download {
  readonly file: HubFile;
  /** Repository, commit and file name. */
  readonly asked: Asked;
  /** Where it comes to be, and goes on from where an earlier run was stopped. */
  readonly partial: string;
  /** Its final name, in the same folder. */
  readonly target: string;
  /** Whether another program, which keeps to another lock, may be writing to `partial`. */
  readonly isShared: () => Promise<boolean>;
}

/** How many attempts in a row may fail without a further byte. */
export const mostAttempts = 5;

/**
 * Fetches a file, from where it was stopped, and checks its size and checksum; a content that is wrong is thrown away
 * and fetched once more. `onReceived` is told how many of its bytes are there. Throws `CORRUPT_FILE` when the content is
 * wrong twice, what {@link refusal} makes of replies, `NETWORK`, and file errors. `pause` is that of `HubTiming`.
 */
export async function download(
  connection: HubConnection,
  what: Download,
  pause: number,
  onReceived: (bytes: number) => void,
): Promise<void> {
  const { file, asked, partial, target } = what;
  const incoming = await IncomingFile.open(partial, file, connection.signal);
  try {
    onReceived(incoming.received);
    for (let tries = 1; ; tries++) {
      let fault = await receiveAll(connection, what, incoming, pause, onReceived);
      if (fault === undefined) {
        if (!(await what.isShared())) return await incoming.finish(target);
        if (await incoming.finishCopy(target)) return;
        fault = { what: 'was changed by another program', isStored: true };
      }
      if (fault.isStored) await startOver(incoming, onReceived);
      if (tries === 1) continue;
      if (incoming.received === 0) await incoming.remove();
      throw new QuernError('CORRUPT_FILE', `what was downloaded twice ${fault.what}`, {
        where: askedName(asked),
        hint: 'Try again later; a proxy that changes content can cause this too. Nothing of it was kept',
      });
    }
  } finally {
    await incoming.close();
  }
}

/** What shows that a content is not the file's. */
interface Fault {
  readonly what: string;
  /** Whether bytes of it are in the file; what a reply says of itself shows before any is. */
  readonly isStored: boolean;
}

/** Fetches what is missing, over as many connections as it takes. Returns what is wrong with the content. */
async function receiveAll(
  connection: HubConnection,
  { file, asked }: Download,
  incoming: IncomingFile,
  pause: number,
  onReceived: (bytes: number) => void,
): Promise<Fault | undefined> {
  const attempts = new Attempts(mostAttempts, pause, connection.signal);
  const url = fileUrl(connection.endpoint, asked);
  let furthest = incoming.received;
  while (!incoming.isWhole) {
    try {
      const { received } = incoming;
      const reply = await hubGet(connection, url, received > 0 ? { range: `bytes=${received}-` } : {});
      try {
        if (reply.status === 416 && received > 0) {
          await startOver(incoming, onReceived);
          throw new PassingFailure(`${reply.host} has no such range`);
        }
        if (reply.status !== 200 && reply.status !== 206) throw refusal(reply, asked, connection);
        const fault = await receive(reply, incoming, file, onReceived);
        if (fault !== undefined) return fault;
      } finally {
        await reply.discard();
      }
      if (!incoming.isWhole) {
        throw new PassingFailure(`${reply.host} ended after ${incoming.received} of ${file.size} bytes`);
      }
    } catch (error) {
      if (incoming.received > furthest) attempts.progressed();
      furthest = Math.max(furthest, incoming.received);
      await attempts.failed(error, askedName(asked));
    }
  }
  if (incoming.isRight()) return undefined;
  return { what: 'does not have the checksum that the hub lists', isStored: true };
}

/** Takes in a reply; returns what is wrong with its content. */
async function receive(
  reply: HubReply,
  incoming: IncomingFile,
  { size }: HubFile,
  onReceived: (bytes: number) => void,
): Promise<Fault | undefined> {
  const { start, total } = extent(reply);
  // The page of a proxy, say, must not cost what is there.
  if (total !== undefined && total !== size) {
    return { what: `has ${total} bytes, and the hub lists ${size}`, isStored: false };
  }
  if (start !== incoming.received) {
    // A server that ignores ranges begins at the beginning.
    await startOver(incoming, onReceived);
    if (start !== 0) throw new PassingFailure(`${reply.host} sends another range than was asked for`);
  }
  for await (const chunk of reply.chunks()) {
    if (incoming.received + chunk.length > size) {
      return { what: `has more than the ${size} bytes that the hub lists`, isStored: true };
    }
    await incoming.append(chunk);
    onReceived(incoming.received);
  }
  return undefined;
}

async function startOver(incoming: IncomingFile, onReceived: (bytes: number) => void): Promise<void> {
  await incoming.restart();
  onReceived(0);
}

/** Where the content of a reply begins in the file, and how long the file is, as far as that is told. */
function extent({ status, headers }: HubReply): { start?: number; total?: number } {
  const isEncoded = (headers.get('content-encoding') ?? 'identity') !== 'identity';
  if (status === 200) {
    const length = headers.get('content-length');
    return { start: 0, total: isEncoded || length === null ? undefined : Number(length) };
  }
  // A range of an encoded content is not one of the file.
  const range = isEncoded ? null : /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  if (!range) return {};
  return { start: Number(range[1]), total: range[2] === '*' ? undefined : Number(range[2]) };
}

/** The address of a file at a commit: `ENDPOINT/OWNER/NAME/resolve/COMMIT/FILE`, of data sets after `datasets/`. */
export function fileUrl(endpoint: URL, asked: Asked): URL {
  const { revision, file = '' } = asked;
  const path = file.split('/').map(encodeURIComponent).join('/');
  return hubUrl(endpoint, `${repositoryPath(asked)}/resolve/${revision}/${path}`);
}
