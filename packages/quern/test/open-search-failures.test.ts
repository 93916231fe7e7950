/** What a cluster may answer, from a server that answers so: too much, refusals, breaks, nonsense. */
import { expect, it } from 'vitest';
import type { TextCorpus } from '../src/collections/corpus.ts';
import type { QuernErrorCode } from '../src/errors.ts';
import { loadCorpus } from '../src/opensearch/load-corpus.ts';
import { newIndexBody } from '../src/opensearch/mapping.ts';
import { OpenSearchIndex } from '../src/opensearch/open-search-index.ts';
import { FakeOpenSearch, info, type FakeReply, type FakeRequest } from './fake-open-search.ts';
import { quern } from './run-quern.ts';

/** Documents that a fake cluster has taken: id → tokens. */
type Taken = Map<string, number>;

function corpusOf(size: number): TextCorpus {
  return {
    kind: 'text',
    async *documents() {
      for (let i = 0; i < size; i++) {
        yield { where: `made:${i}`, document: { id: `d${i}`, title: '', text: `harbour number ${i}` } };
      }
    },
  };
}

const { mappings } = newIndexBody(false, {}) as { mappings: object };
const created = {
  corpus: { mappings, settings: { index: { number_of_shards: '1', number_of_replicas: '0' } } },
};
const missing = { status: 404, body: { error: { type: 'index_not_found_exception' } } };

/** A cluster that takes documents as `bulk` says. */
function loading(bulk: (ids: readonly string[], count: number) => FakeReply | undefined): {
  server: FakeOpenSearch;
  taken: Taken;
} {
  const taken: Taken = new Map();
  let isCreated = false;
  let bulks = 0;
  const reply = ({ method, path, body }: FakeRequest): FakeReply => {
    if (path === '/corpus' && method === 'GET') return isCreated ? { body: created } : missing;
    if (path === '/corpus' && method === 'PUT') {
      isCreated = true;
      return { body: { acknowledged: true } };
    }
    if (path === '/corpus/_search') {
      let tokens = 0;
      for (const count of taken.values()) tokens += count;
      return {
        body: { hits: { total: { value: taken.size } }, aggregations: { tokens: { value: tokens } } },
      };
    }
    if (path !== '/corpus/_bulk') return { body: { acknowledged: true } };
    const lines = body.trimEnd().split('\n');
    const documents = lines
      .filter((_, i) => i % 2 === 1)
      .map((line) => JSON.parse(line) as { id: string; tokens: number });
    const answer = bulk(
      documents.map(({ id }) => id),
      ++bulks,
    );
    if (answer && (answer.status !== undefined || answer.isHeld)) return answer;
    const items = (answer?.body as { items: { create: { status: number } }[] } | undefined)?.items;
    for (const [i, { id, tokens }] of documents.entries()) {
      if ((items?.[i]!.create.status ?? 201) === 201) taken.set(id, tokens);
    }
    return answer ?? { body: { items: documents.map(() => ({ create: { status: 201 } })) } };
  };
  return { server: new FakeOpenSearch(reply), taken };
}

const tooMuch = {
  status: 429,
  body: { error: { type: 'rejected_execution_exception', reason: 'queue is full' } },
};

it('waits and sends half as much where the cluster takes no more', async () => {
  const { server, taken } = loading((ids, count) => (ids.length > 25 || count === 3 ? tooMuch : undefined));
  const to = `opensearch:corpus@${await server.url()}`;
  const bounds = { documents: 100, bytes: 1e6, requests: 2 };
  const loaded = await loadCorpus(corpusOf(130), { to, bounds });
  expect(taken.size).toBe(130);
  expect(loaded.documents).toBe(130);
  expect(loaded.timesPushedBack).toBeGreaterThanOrEqual(2);
  const sizes = server.bulks.map((ids) => ids.length);
  expect(sizes[0]).toBe(100);
  expect(sizes.filter((size) => size <= 25).length).toBeGreaterThanOrEqual(5);
});

it('sends again the documents that failed, and those alone', async () => {
  const { server, taken } = loading((ids, count) => {
    if (count > 1) return undefined;
    const items = ids.map((_, i) => ({
      create:
        i % 3 === 0 ? { status: 429, error: { type: 'rejected_execution_exception' } } : { status: 201 },
    }));
    return { body: { items } };
  });
  await loadCorpus(corpusOf(9), { to: `opensearch:corpus@${await server.url()}` });
  expect(server.bulks).toEqual([Array.from({ length: 9 }, (_, i) => `d${i}`), ['d0', 'd3', 'd6']]);
  expect(taken.size).toBe(9);
});

it('sends smaller requests where one is too large, and a request again whose connection broke', async () => {
  const { server, taken } = loading((ids) => (ids.length > 4 ? { status: 413, body: '' } : undefined));
  await loadCorpus(corpusOf(9), { to: `opensearch:corpus@${await server.url()}` });
  expect(taken.size).toBe(9);
  expect(server.bulks.at(-1)!.length).toBeLessThanOrEqual(4);
});

it('gives up where the cluster takes nothing for as long as it is patient', async () => {
  const { server } = loading(() => tooMuch);
  const load = loadCorpus(corpusOf(3), { to: `opensearch:corpus@${await server.url()}`, patience: 0 });
  await expect(load).rejects.toMatchObject({
    code: 'OVERLOADED',
    message: expect.stringContaining('takes no more for now (rejected_execution_exception: queue is full)'),
  });
});

it('names the document that is refused, and stops', async () => {
  const { server } = loading((ids) => ({
    body: {
      items: ids.map((id) => ({
        create:
          id === 'd2'
            ? { status: 400, error: { type: 'mapper_parsing_exception', reason: 'no good' } }
            : { status: 201 },
      })),
    },
  }));
  const load = loadCorpus(corpusOf(5), { to: `opensearch:corpus@${await server.url()}` });
  await expect(load).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringMatching(
      /^made:2: OpenSearch refuses this document \(mapper_parsing_exception: no good\)/,
    ),
  });
});

it('does not mark an index complete that lacks a document', async () => {
  const { server } = loading((ids) => ({
    body: { items: ids.map((_, i) => ({ create: { status: i === 1 ? 200 : 201 } })) },
  }));
  const load = loadCorpus(corpusOf(5), { to: `opensearch:corpus@${await server.url()}` });
  await expect(load).rejects.toThrow(
    /the index has 4 documents of 12 tokens, and 5 documents of 15 tokens were read/,
  );
  expect(server.requests.filter(({ path }) => path.endsWith('/_mapping'))).toEqual([]);
});

const refusals: readonly (readonly [string, FakeReply, QuernErrorCode, RegExp])[] = [
  [
    'a server that refuses the user',
    { status: 401, headers: { 'content-type': 'text/plain' }, body: 'Unauthorized' },
    'DENIED',
    /does not know this user/,
  ],
  [
    'one that gives no right',
    { status: 403, body: { error: { type: 'security_exception', reason: 'no permissions' } } },
    'DENIED',
    /no right to it \(security_exception: no permissions\)/,
  ],
  ['no OpenSearch', { body: { version: { number: '8.1.0' } } }, 'UNSUPPORTED', /not OpenSearch/],
  ['a page', { headers: { 'content-type': 'text/html' }, body: '<html>' }, 'UNSUPPORTED', /not OpenSearch/],
  ['JSON that is cut off', { body: '{"version": {' }, 'BAD_REPLY', /not OpenSearch’s/],
  ['a reply that breaks off', { body: '', breaks: true }, 'NETWORK', /no node of the cluster can be reached/],
  ['a server that breaks off', undefined, 'NETWORK', /no node of the cluster can be reached/],
];

it.each(refusals)('tells of %s, without the password', async (_, reply, code, message) => {
  const server = new FakeOpenSearch(() => reply);
  const url = (await server.url()).replace('//', '//quern:geheim@');
  const failure: unknown = await OpenSearchIndex.open(`opensearch:corpus@${url}`).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(String(failure)).not.toContain('geheim');
  expect(server.requests[0]!.authorization).toBe(`Basic ${Buffer.from('quern:geheim').toString('base64')}`);
});

it('prints nothing but the error where a reply breaks off', async () => {
  const server = new FakeOpenSearch(() => ({ headers: { 'content-length': '99' }, body: '', breaks: true }));
  const { code, stdout } = await quern(['search', `opensearch:corpus@${await server.url()}`, 'x', '--json']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
});

it('stops what is under way where a load fails', async () => {
  const { server } = loading((_, count) =>
    count === 4 ? { status: 400, body: { error: { type: 'no_good' } } } : { body: 'never', isHeld: true },
  );
  const bounds = { documents: 1, bytes: 1e6, requests: 4 };
  const load = loadCorpus(corpusOf(20), { to: `opensearch:corpus@${await server.url()}`, bounds });
  await expect(load).rejects.toThrow(/refuses it with status 400 \(no_good:/);
  expect(server.bulks).toHaveLength(4);
});

it('is wrong usage, or no server, on the command line', async () => {
  const bad = await quern(['search', 'opensearch:My*Index@http://u:geheim@localhost:9', 'x']);
  expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be called so') });
  const nobody = await quern(['search', 'opensearch:corpus@http://u:geheim@127.0.0.1:9', 'x', '--json']);
  expect(nobody).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('can be reached') });
  const both = await quern(['index', 'x.jsonl', '--to', 'opensearch:a@http://localhost', '--out', 'b']);
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('--out: it does not go with --to') });
  const shards = await quern(['index', 'x.jsonl', '--out', 'b', '--shards', '2']);
  expect(shards).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--shards: it is of an index in OpenSearch'),
  });
  const out = await quern(['index', 'x.jsonl', '--out', 'opensearch:a@http://localhost']);
  expect(out).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be used here') });
  expect(bad.stderr + nobody.stderr).not.toContain('geheim');
});

/** A cluster with an index that is complete, and these settings. */
function searching(settings: FakeReply): (request: FakeRequest) => FakeReply {
  return ({ path }) => {
    if (path === '/') return { body: info };
    if (path === '/_cluster/settings') return settings;
    if (path === '/corpus') {
      const whole = structuredClone(created) as {
        corpus: { mappings: { _meta: { quern: { complete: boolean } } } };
      };
      whole.corpus.mappings._meta.quern.complete = true;
      return { body: whole };
    }
    const terms = { buckets: Array.from({ length: 500 }, () => ({ doc_count: 1 })) };
    const live = { doc_count: 9, tokens: { value: 90 } };
    return { body: { aggregations: { all: { value: 9 }, live, terms } } };
  };
}

it('asks with the limit on clauses that the cluster has, 1,024 where it may not be known', async () => {
  const weights = new Map(Array.from({ length: 1100 }, (_, i) => [`t${i}`, 1 + i]));
  for (const [settings, limit] of [
    [{ body: { defaults: { indices: { query: { bool: { max_clause_count: '70' } } } } } }, 70],
    [{ status: 403, body: {} }, 1024],
  ] as const) {
    const index = await OpenSearchIndex.open(
      `opensearch:corpus@${await new FakeOpenSearch(searching(settings)).url()}`,
    );
    await index.countTerms(weights.keys());
    const { kept, dropped } = index.clauses(weights, 3);
    expect(kept).toHaveLength(limit - 1);
    expect(kept[0]).toEqual(['t1099', 1100]);
    expect(dropped[0]).toBe(`t${1100 - limit}`);
    await index.close();
  }
});
