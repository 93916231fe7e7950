import { QuernError } from '../errors.ts';
import type { OpenSearchConnection } from './connection.ts';

/** Of an index's settings, those that Quern minds. */
export interface IndexSettings {
  readonly shards: number;
  readonly replicas: number;
  /** How many hits a search may ask for. */
  readonly mostHits: number;
}

/** An index as the cluster tells of it. */
export interface ReadIndex {
  /** Whether the name is an alias of it. */
  readonly isAlias: boolean;
  readonly mapping: unknown;
  readonly settings: IndexSettings;
}

const defaultMostHits = 10_000;

interface Reply {
  readonly [index: string]: {
    readonly mappings?: unknown;
    readonly settings?: {
      readonly index?: {
        readonly number_of_shards?: string;
        readonly number_of_replicas?: string;
        readonly max_result_window?: string;
      };
    };
  };
}

/**
 * The index, which may be called by an alias; undefined where there is none. Throws `BAD_INPUT` for an alias of several, and what
 * the connection throws.
 */
export async function readIndex(
  connection: OpenSearchConnection,
  signal: AbortSignal | undefined,
): Promise<ReadIndex | undefined> {
  const { index, name } = connection.address;
  const found = await connection.try<Reply>((client) => client.indices.get({ index }), { signal });
  if ('error' in found) {
    if (found.type === 'index_not_found_exception') return undefined;
    throw found.error;
  }
  const { body } = found;
  if (typeof body !== 'object' || body === null)
    throw new QuernError('BAD_REPLY', 'the reply is not OpenSearch’s', { where: name });
  const [real = '', ...others] = Object.keys(body);
  const own = body[index] ?? body[real];
  if (others.length > 0 || !own) {
    throw new QuernError('BAD_INPUT', 'this is no index, but an alias of several', {
      where: name,
      hint: `Name one of them: ${[real, ...others].slice(0, 3).join(', ')}`,
    });
  }
  const {
    number_of_shards: shards,
    number_of_replicas: replicas,
    max_result_window: window,
  } = own.settings?.index ?? {};
  return {
    isAlias: body[index] === undefined,
    mapping: own.mappings,
    settings: {
      shards: Number(shards),
      replicas: Number(replicas),
      mostHits: window === undefined ? defaultMostHits : Number(window),
    },
  };
}
