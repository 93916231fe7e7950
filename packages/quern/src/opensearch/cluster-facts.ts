import { QuernError } from '../errors.ts';
import type { Bm25Parameters } from '../lexical/bm25.ts';
import type { OpenSearchConnection } from './connection.ts';

/** OpenSearch's default for `indices.query.bool.max_clause_count`. */
const defaultMostClauses = 1024;

/** What matters of a cluster. */
export interface ClusterFacts {
  readonly version: string;
  /** How many clauses a query may have. */
  readonly mostClauses: number;
  /** Whether it tells what each term of a query brought to a hit: since 2.12. */
  readonly tellsShares: boolean;
  /** What its scores are multiplied by, compared with the formula. */
  scoreScale(parameters: Bm25Parameters): number;
}

interface Info {
  readonly version?: { readonly distribution?: string; readonly number?: string };
}

interface Settings {
  readonly [kind: string]: {
    readonly indices?: { readonly query?: { readonly bool?: { readonly max_clause_count?: string } } };
  };
}

/** Asks what the cluster is. Throws `UNSUPPORTED` for what is not OpenSearch, and what the connection throws. */
export async function clusterFacts(
  connection: OpenSearchConnection,
  signal: AbortSignal | undefined,
): Promise<ClusterFacts> {
  const info = await connection.ask<Info | undefined>((client) => client.info(), { signal });
  const { distribution, number } = info?.version ?? {};
  if (distribution !== 'opensearch' || number === undefined) {
    throw new QuernError('UNSUPPORTED', 'what answers is not OpenSearch', { where: connection.address.name });
  }
  const [major, minor] = number.split('.').map(Number) as [number, number];
  return {
    version: number,
    tellsShares: major > 2 || (major === 2 && minor >= 12),
    mostClauses: await mostClauses(connection, signal),
    // Up to 2.x, BM25 keeps the factor k1 + 1, which changes no ranking.
    scoreScale: ({ k1 }) => (major < 3 ? k1 + 1 : 1),
  };
}

/** The limit on clauses, as far as this user may know it. */
async function mostClauses(
  connection: OpenSearchConnection,
  signal: AbortSignal | undefined,
): Promise<number> {
  const asked = await connection.try<Settings>(
    (client) => client.cluster.getSettings({ include_defaults: true }),
    { signal, patience: 0 },
  );
  if ('error' in asked) return defaultMostClauses;
  for (const kind of ['transient', 'persistent', 'defaults']) {
    const limit = Number(asked.body[kind]?.indices?.query?.bool?.max_clause_count);
    if (limit > 0) return limit;
  }
  return defaultMostClauses;
}
