import { QuernError } from '../errors.ts';
import type { OpenSearchConnection } from './connection.ts';
import {
  factsOfMapping,
  loadedSettings,
  metaBody,
  newIndexBody,
  type OpenSearchIndexFacts,
  type OpenSearchLayout,
} from './mapping.ts';
import { readIndex, type IndexSettings } from './read-index.ts';

/** A cluster that loses a node needs a while to choose another to lead, and to give its shards to others. */
const patience = 120_000;

/** What a load begins with. */
export interface LoadBeginning {
  readonly facts: OpenSearchIndexFacts;
  /** Whether an earlier load of it was broken off. */
  readonly isResumed: boolean;
}

/**
 * Creates the index, or finds one whose load was broken off. Throws `ALREADY_EXISTS` where it is complete, `USAGE` where it was
 * begun otherwise than is asked now, and as {@link factsOfMapping} does.
 */
export async function openForLoad(
  connection: OpenSearchConnection,
  options: OpenSearchLayout & { readonly store?: boolean; readonly signal?: AbortSignal },
): Promise<LoadBeginning> {
  const { index, name } = connection.address;
  const { store = false, shards, replicas, signal } = options;
  const there = await readIndex(connection, signal);
  if (!there) {
    const body = newIndexBody(store, { shards, replicas }) as Record<string, object>;
    const created = await connection.try((client) => client.indices.create({ index, body }), { signal });
    if ('error' in created && created.type !== 'resource_already_exists_exception') throw created.error;
  }
  const now = there ?? (await readIndex(connection, signal));
  if (!now) throw new QuernError('NOT_FOUND', 'the index is gone again', { where: name });
  if (now.isAlias) {
    throw new QuernError('BAD_INPUT', 'this is an alias, not an index', {
      where: name,
      hint: 'Load into an index of another name, and point the alias to it when it is complete',
    });
  }
  const facts = factsOfMapping(now.mapping, name);
  if (facts.complete) {
    throw new QuernError('ALREADY_EXISTS', 'the index is there, and complete', {
      where: name,
      hint: 'Load into one of another name, or delete this one first',
    });
  }
  checkAsBegun('--shards', shards, now.settings.shards, name);
  checkAsBegun('--replicas', replicas, now.settings.replicas, name);
  if (store !== facts.stored) {
    throw new QuernError('USAGE', `the load was begun with${facts.stored ? '' : 'out'} --store`, {
      where: name,
      hint: 'Give the same options, or delete the index to begin anew',
    });
  }
  await copiesReady(connection, signal);
  return { facts, isResumed: there !== undefined };
}

/**
 * Waits until the copies that the cluster is making are made: as long as a shard's first copy is its only one, the node that has it
 * must not be lost. Copies that there is no node for are not waited for.
 */
async function copiesReady(connection: OpenSearchConnection, signal: AbortSignal | undefined): Promise<void> {
  await connection.ask(
    (client) =>
      client.cluster.health({
        index: connection.address.index,
        wait_for_events: 'languid',
        wait_for_no_initializing_shards: true,
        timeout: '50s',
      }),
    { signal, patience },
  );
}

function checkAsBegun(option: string, asked: number | undefined, begun: number, where: string): void {
  if (asked === undefined || asked === begun) return;
  throw new QuernError('USAGE', `the load was begun with ${option} ${begun}, not ${asked}`, {
    where,
    hint: 'Give the same options, or delete the index to begin anew',
  });
}

/**
 * Holds what the index has against what was read, and marks it complete. Throws `BAD_INPUT`, leaving it incomplete, where they
 * differ.
 */
export async function finishLoad(
  connection: OpenSearchConnection,
  facts: OpenSearchIndexFacts,
  read: { readonly documents: number; readonly tokens: number },
  signal: AbortSignal | undefined,
): Promise<Pick<IndexSettings, 'shards' | 'replicas'>> {
  const { index, name } = connection.address;
  const options = { signal, patience };
  await connection.ask((client) => client.indices.refresh({ index }), options);
  const counted = await countedDocuments(connection, signal);
  if (counted.documents !== read.documents || counted.tokens !== read.tokens) {
    throw new QuernError(
      'BAD_INPUT',
      `the index has ${counted.documents} documents of ${counted.tokens} tokens, and ` +
        `${read.documents} documents of ${read.tokens} tokens were read`,
      {
        where: name,
        hint: 'An id comes twice, the corpus has changed since the load began, or another one writes to the index. It stays incomplete: delete it (DELETE /INDEX), and load it again',
      },
    );
  }
  await connection.ask(
    (client) => client.indices.putSettings({ index, body: loadedSettings as Record<string, object> }),
    options,
  );
  const now = await readIndex(connection, signal);
  // What was deleted meanwhile and made anew by the last documents would have no mapping of ours.
  if (!now) throw new QuernError('NOT_FOUND', 'the index is gone again', { where: name });
  const whole = { ...factsOfMapping(now.mapping, name), ...facts, complete: true };
  await connection.ask((client) => client.indices.putMapping({ index, body: metaBody(whole) }), options);
  const { shards, replicas } = now.settings;
  return { shards, replicas };
}

interface Counted {
  readonly hits: { readonly total: { readonly value: number } };
  readonly aggregations: { readonly tokens: { readonly value: number } };
}

async function countedDocuments(
  connection: OpenSearchConnection,
  signal: AbortSignal | undefined,
): Promise<{ readonly documents: number; readonly tokens: number }> {
  const { hits, aggregations } = await connection.ask<Counted>(
    (client) =>
      client.search({
        index: connection.address.index,
        allow_partial_search_results: false,
        body: { size: 0, track_total_hits: true, aggs: { tokens: { sum: { field: 'tokens' } } } },
      }),
    { signal, patience },
  );
  return { documents: hits.total.value, tokens: aggregations.tokens.value };
}
