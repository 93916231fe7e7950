import { QuernError } from '../errors.ts';
import { retryWait } from '../models/openai/openai-retry.ts';
import type { BulkDocument } from './bulk-document.ts';
import type { BulkLimits } from './bulk-limits.ts';
import { pause, type OpenSearchConnection } from './connection.ts';
import { ofStatus, type Failure, type ServerError } from './failure.ts';

/** What happened to one document of a request. */
interface Item {
  readonly status: number;
  readonly error?: ServerError;
}

interface BulkReply {
  readonly items?: readonly { readonly create?: Item }[];
}

/** How documents are sent. */
export interface BulkSending {
  readonly connection: OpenSearchConnection;
  readonly limits: BulkLimits;
  /** For how many milliseconds without a document taken it is tried on. */
  readonly patience: number;
  readonly signal?: AbortSignal;
}

/** What sending documents came to. */
export interface Sent {
  readonly created: number;
  /** Those that were in the index already, the same. */
  readonly present: number;
}

/**
 * Sends documents until the cluster has taken all of them. Of a request of which a part failed by what may pass, that part is
 * sent again, after a time, in smaller requests where there was too much. Throws `BAD_INPUT` for a document that the cluster
 * refuses, or of which another version is in the index; `OVERLOADED`, `NETWORK` or `TIMEOUT` when patience is over.
 */
export async function sendDocuments(
  documents: readonly BulkDocument[],
  { connection, limits, patience, signal }: BulkSending,
): Promise<Sent> {
  let left = documents;
  let created = 0;
  let present = 0;
  let retries = 0;
  let since = performance.now();
  while (left.length > 0) {
    const [now, later] = firstRequest(left, limits);
    const outcome = await connection.try<BulkReply>(
      (client) =>
        client.bulk({
          index: connection.address.index,
          timeout: '30s',
          filter_path: ['items.*.status', 'items.*.error.type', 'items.*.error.reason'],
          // Lines that are JSON already are sent as they are, which its type does not say.
          body: now.flatMap(({ lines }) => lines as readonly unknown[] as Record<string, unknown>[]),
        }),
      { signal, patience: 0 },
    );
    const { again, known, failure } =
      'error' in outcome ? whole(now, outcome) : itemsOf(now, outcome.body, connection.address.name);
    await checkSame(known, connection, signal);
    const done = now.length - again.length;
    created += done - known.length;
    present += known.length;
    left = [...again, ...later];
    if (done > 0) {
      since = performance.now();
      retries = 0;
    }
    if (!failure) {
      limits.took();
      continue;
    }
    const isTooLarge = failure.status === 413;
    if (isTooLarge || failure.status === 429) limits.halve();
    if (isTooLarge && now.length > 1) continue;
    if (!failure.passes || performance.now() - since > patience) throw failure.error;
    await pause(retryWait(retries++, Math.random, failure.wait), signal);
  }
  return { created, present };
}

/** What fits into one request, and what does not. */
function firstRequest(
  documents: readonly BulkDocument[],
  limits: BulkLimits,
): [BulkDocument[], readonly BulkDocument[]] {
  const most = limits.now;
  let bytes = 0;
  let count = 0;
  for (const document of documents) {
    bytes += document.bytes;
    if (count > 0 && (bytes > most.bytes || count >= most.documents)) break;
    count++;
  }
  return [documents.slice(0, count), documents.slice(count)];
}

interface Outcome {
  /** What is to be sent again. */
  readonly again: readonly BulkDocument[];
  /** Whose ids the index has already. */
  readonly known: readonly BulkDocument[];
  /** Why something is to be sent again. */
  readonly failure?: Failure;
}

/** The whole request failed; whether the cluster has done it all the same, sending it again will tell. */
function whole(documents: readonly BulkDocument[], failure: Failure): Outcome {
  if (failure.passes || failure.status === 413) return { again: documents, known: [], failure };
  throw failure.error;
}

function itemsOf(documents: readonly BulkDocument[], { items }: BulkReply, name: string): Outcome {
  if (!Array.isArray(items) || items.length !== documents.length) {
    throw new QuernError('BAD_REPLY', 'the reply to a bulk request does not tell of each document', {
      where: name,
    });
  }
  const again: BulkDocument[] = [];
  const known: BulkDocument[] = [];
  let failure: Failure | undefined;
  for (const [i, document] of documents.entries()) {
    const { status = 0, error = {} } = items[i]!.create ?? {};
    if (status === 200 || status === 201) continue;
    if (status === 409) {
      known.push(document);
      continue;
    }
    const failed = ofStatus(status, error, name);
    if (!failed.passes && (status === 400 || status === 413)) throw refusedDocument(document, error);
    if (!failed.passes) throw failed.error;
    again.push(document);
    // That there was too much tells what to do; that a shard is moving does not.
    if (failure?.status !== 429) failure = failed;
  }
  return { again, known, ...(failure && { failure }) };
}

function refusedDocument({ where }: BulkDocument, { type = 'error', reason = '' }: ServerError): QuernError {
  const said = `${type}: ${reason}`.slice(0, 300);
  return new QuernError('BAD_INPUT', `OpenSearch refuses this document (${said})`, { where });
}

/** Throws `BAD_INPUT` unless the documents that the index has are these ones. */
async function checkSame(
  documents: readonly BulkDocument[],
  connection: OpenSearchConnection,
  signal: AbortSignal | undefined,
): Promise<void> {
  const digests = await digestsOf(documents, connection, signal);
  for (const document of documents) checkDigest(document, digests.get(document.id));
}

/** Those of `documents` that the index lacks. Throws `BAD_INPUT` where it has others of their ids. */
export async function documentsToSend(
  documents: readonly BulkDocument[],
  connection: OpenSearchConnection,
  signal: AbortSignal | undefined,
): Promise<BulkDocument[]> {
  const digests = await digestsOf(documents, connection, signal);
  return documents.filter((document) => {
    const digest = digests.get(document.id);
    if (digest !== undefined) checkDigest(document, digest);
    return digest === undefined;
  });
}

function checkDigest({ id, digest, where }: BulkDocument, there: string | undefined): void {
  // One that is gone again is not our matter: the count at the end tells.
  if (there === undefined || there === digest) return;
  throw new QuernError('BAD_INPUT', `the index has another document of the id ${JSON.stringify(id)}`, {
    where,
    hint: 'The corpus has the id twice, or has changed since the load began; delete the index to begin anew',
  });
}

interface Found {
  readonly docs?: readonly {
    readonly _id: string;
    readonly found?: boolean;
    readonly _source?: { readonly digest?: string };
    readonly error?: ServerError;
  }[];
}

async function digestsOf(
  documents: readonly BulkDocument[],
  connection: OpenSearchConnection,
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  if (documents.length === 0) return digests;
  const { docs = [] } = await connection.ask<Found>(
    (client) =>
      client.mget({
        index: connection.address.index,
        _source_includes: ['digest'],
        body: { ids: documents.map(({ id }) => id) },
      }),
    { signal, patience: 60_000 },
  );
  for (const { _id: id, found, _source: source, error } of docs) {
    // A document that cannot be looked up now is sent, which does no harm where it is there.
    if (!error && found) digests.set(id, source?.digest ?? '');
  }
  return digests;
}
