/** `opensearch:INDEX@URL` on a real cluster: three nodes, one of them stopped now and then, and loads that are killed. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Placed, TextCorpus } from '../src/collections/corpus.ts';
import { openCollection } from '../src/collections/collection.ts';
import type { Document, Hit } from '../src/collections/records.ts';
import { evaluateNamed } from '../src/evaluate/evaluate-named.ts';
import { evaluateRun, parseMeasures } from '../src/evaluate/measures.ts';
import { meanOf } from '../src/evaluate/statistics.ts';
import { loadCorpus } from '../src/opensearch/load-corpus.ts';
import { OpenSearchIndex } from '../src/opensearch/open-search-index.ts';
import { passageSearch } from '../src/search/found-passages.ts';
import { OpenSearchRetriever } from '../src/search/open-search-retriever.ts';
import type { Retriever } from '../src/search/retriever.ts';
import { analyzerNamed } from '../src/text/analyzers.ts';
import { nastyTexts } from './oracles/lucene/made-up-texts.mjs';
import { hasOpenSearch, OpenSearchCluster } from './open-search-cluster.ts';
import { finished, quern, quernJson, startQuern } from './run-quern.ts';
import { dataPath, sharedData } from './shared-data.ts';
import { temporaryFolder } from './temporary-folder.ts';

const words = [
  'river',
  'delta',
  'stone',
  'bridge',
  'harbour',
  'lantern',
  'meadow',
  'copper',
  'willow',
  'anchor',
];

/** A document of which the words depend on its number alone. */
function madeDocument(number: number): Document {
  const text = Array.from({ length: 12 + (number % 17) }, (_, i) => words[(number * (i + 3) + i * i) % 10]);
  return { id: `d${number}`, title: `number ${number}`, text: text.join(' ') };
}

/** A corpus of such documents; `at` is told before each is read. */
function madeCorpus(size: number, at?: (number: number) => Promise<void>): TextCorpus {
  return {
    kind: 'text',
    async *documents(): AsyncGenerator<Placed<Document>> {
      for (let i = 0; i < size; i++) {
        await at?.(i);
        yield { where: `made:${i}`, document: madeDocument(i) };
      }
    },
  };
}

function ids(hits: readonly Hit[]): string[] {
  return hits.map(({ id }) => id);
}

describe.skipIf(!hasOpenSearch)('an index in OpenSearch', () => {
  const folder = temporaryFolder();
  let cluster: OpenSearchCluster;

  beforeAll(async () => {
    cluster = await OpenSearchCluster.start(mkdtempSync(join(folder, 'cluster-')));
  });
  afterAll(() => cluster?.end());

  async function opened<T>(index: string, work: (index: OpenSearchIndex) => Promise<T>): Promise<T> {
    const open = await OpenSearchIndex.open(cluster.name(index));
    try {
      return await work(open);
    } finally {
      await open.close();
    }
  }

  /** How often the first copies of an index were written to. */
  async function written(index: string): Promise<number> {
    interface Stats {
      readonly _all: { readonly primaries: { readonly indexing?: { readonly index_total: number } } };
    }
    const stats = await cluster.ask<Partial<Stats>>(`/${index}/_stats/indexing`);
    return stats._all?.primaries.indexing?.index_total ?? 0;
  }

  it.skipIf(!sharedData).each([
    ['cranfield', 'bm25'],
    ['cranfield', 'bm25q'],
    ['nfcorpus-dev', 'bm25'],
    ['nfcorpus-dev', 'bm25q'],
  ] as const)('ranks %s by %s as the embedded index does', async (name, scoring) => {
    const collection = `beir:${name}`;
    const data = dataPath('.');
    const index = `one-shard-${name}`;
    const there = await cluster.ask<Record<string, unknown>>(`/${index}`);
    if (!there[index]) {
      const { corpus } = await openCollection(collection, { data });
      await loadCorpus(await corpus(), { to: cluster.name(index), shards: 1, replicas: 0 });
    }
    const options = {
      data,
      scoring,
      reasoners: ['none'],
      plan: { combine: { kind: 'replace' } as const },
      k: 100,
      measures: parseMeasures(['ndcg@10']),
    };
    const [ours, theirs] = [
      await evaluateNamed(collection, options, ({ evaluations }) => Promise.resolve(evaluations[0]!)),
      await evaluateNamed(collection, { ...options, index: cluster.name(index) }, ({ evaluations }) =>
        Promise.resolve(evaluations[0]!),
      ),
    ];
    expect(ours.run.rankings.size).toBeGreaterThan(200);
    // What each term brought to a hit gives back its frequency, so that scores are the formula's, to the last bit.
    expect(theirs.run.rankings).toEqual(ours.run.rankings);
    expect(theirs.measures.mean).toEqual(ours.measures.mean);

    // Beyond 1,000 hits scores are OpenSearch's own, of lengths in one byte.
    const { topics, qrels } = await openCollection(collection, { data });
    const overlaps: number[] = [];
    let furthest = 0;
    const plain = new Map<string, readonly Hit[]>();
    await opened(index, async (open) => {
      const retriever = new OpenSearchRetriever(open, scoring);
      for (const { id: topic, text } of topics) {
        const hits = ours.run.rankings.get(topic)?.slice(0, 10) ?? [];
        if (hits.length === 0) continue;
        const other = await retriever.search(text, { k: 1001 });
        plain.set(topic, other.slice(0, 100));
        const best = new Set(ids(other.slice(0, 10)));
        overlaps.push(hits.filter(({ id }) => best.has(id)).length / hits.length);
        const scores = new Map(other.map(({ id, score }) => [id, score]));
        for (const { id, score } of hits) {
          furthest = Math.max(furthest, Math.abs((scores.get(id) ?? score) / score - 1));
        }
      }
    });
    expect(meanOf(overlaps)).toBeGreaterThanOrEqual(0.95);
    const measured = evaluateRun({ rankings: plain }, qrels, options.measures, {
      complete: true,
    });
    const here = ours.measures.mean['ndcg@10']!;
    expect(Math.abs(measured.mean['ndcg@10']! - here)).toBeLessThanOrEqual(0.005);
    expect(furthest).toBeLessThan(0.05);
  });

  it('analyses texts as Quern does', async () => {
    await loadCorpus(madeCorpus(20), { to: cluster.name('analysed'), shards: 1, replicas: 0 });
    const english = analyzerNamed('english');
    // Half a surrogate pair is no text that UTF-8 can carry.
    const texts = Array.from({ length: 40 }, (_, seed) =>
      Buffer.from(nastyTexts(seed, 5).join(' '), 'utf8').toString('utf8'),
    );
    for (const text of [...texts, "The Noes' generalizations of O'Reilly's were ２０ and 한국어"]) {
      const { tokens } = await cluster.ask<{ tokens: { token: string }[] }>('/analysed/_analyze', {
        body: { analyzer: 'quern_english', text },
      });
      expect(tokens.map(({ token }) => token)).toEqual(english.terms(text));
    }
  });

  it('counts, excludes, breaks ties, and drops the lightest terms of a query that has too many', async () => {
    const many = Array.from({ length: 1300 }, (_, i) => `w${i}x`);
    const corpus: TextCorpus = {
      kind: 'text',
      async *documents(): AsyncGenerator<Placed<Document>> {
        for (let i = 0; i < 30; i++) {
          const text = i < 26 ? many.slice(i * 50, i * 50 + 60).join(' ') : 'the same words';
          yield { where: `made:${i}`, document: { id: `d${i}`, title: '', text } };
        }
        yield { where: 'made:30', document: { id: 'empty', title: '', text: 'the' } };
      },
    };
    await loadCorpus(corpus, { to: cluster.name('many-terms'), shards: 3, replicas: 0 });
    await opened('many-terms', async (index) => {
      expect(index.facts.documents).toBe(31);
      expect(index.statistics.documentsWithTerms).toBe(30);
      const retriever = new OpenSearchRetriever(index, 'bm25q');
      const hits = await retriever.search('same words', { k: 10, excluded: ['d28', 'unknown'] });
      expect(ids(hits)).toEqual(['d29', 'd27', 'd26']);
      const deep = await retriever.search(many.slice(0, 900).join(' '), { k: 10_000 });
      expect(deep).toHaveLength(18);
      await expect(retriever.search('same', { k: 10_001 })).rejects.toThrow(/at most 10000 hits/);

      const text = `${many.join(' ')} ${many.slice(-100).join(' ')}`;
      await retriever.prepare([text]);
      const weights = retriever.weights(text);
      const dropped = retriever.dropped(weights, 0);
      expect(dropped).toHaveLength(weights.size - 1024);
      const lightest = Math.max(...dropped.map((term) => weights.get(term)!));
      const kept = [...weights].filter(([term]) => !dropped.includes(term));
      expect(Math.min(...kept.map(([, weight]) => weight))).toBeGreaterThanOrEqual(lightest);
      expect(retriever.dropped(weights, 2)).toHaveLength(dropped.length + 1);
      const [first] = await retriever.search(text, { k: 1, excluded: ['d25', 'd24'] });
      expect(first!.id).toBe('d23');
    });
  });

  it('gives passages with their texts, without one that was deleted since it was found', async () => {
    await loadCorpus(madeCorpus(40), { to: cluster.name('passages'), store: true });
    await opened('passages', async (index) => {
      const retriever = new OpenSearchRetriever(index, 'bm25');
      const { passages } = await passageSearch({ pipeline: retriever, index, k: 5 })('copper willow');
      const hits = await retriever.search('copper willow', { k: 5 });
      expect(ids(passages)).toEqual(ids(hits));
      const all = Array.from({ length: 40 }, (_, i) => madeDocument(i));
      expect(passages.map(({ text }) => text)).toEqual(
        hits.map((hit) => all.find(({ id }) => id === hit.id)?.text),
      );
      const losing: Retriever = {
        id: 'losing',
        async search(query, options) {
          const found = await retriever.search(query, options);
          const { ok } = await fetch(`${cluster.urls[0]}/passages/_doc/${found[1].id}`, { method: 'DELETE' });
          expect(ok).toBe(true);
          return found;
        },
      };
      const left = await passageSearch({ pipeline: losing, index, k: 5 })('copper willow');
      expect(ids(left.passages)).toEqual(ids(hits).toSpliced(1, 1));
    });
  });

  it('lays an index over shards with copies, and ranks as on one; loses a node without a wrong answer', async () => {
    await loadCorpus(madeCorpus(400), { to: cluster.name('spread'), shards: 3, replicas: 1 });
    await loadCorpus(madeCorpus(400), { to: cluster.name('alone'), shards: 1, replicas: 0 });
    const query = 'harbour lantern river number 33';
    const onOne = await opened('alone', (index) =>
      new OpenSearchRetriever(index, 'bm25q').search(query, { k: 50 }),
    );
    await opened('spread', async (index) => {
      const retriever = new OpenSearchRetriever(index, 'bm25q');
      const search = async (): Promise<string[]> => ids(await retriever.search(query, { k: 50 }));
      const whole = await search();
      expect(whole).toEqual(ids(onOne));
      let answers = 0;
      const asked = { isOver: false };
      const asking = Array.from({ length: 3 }, async (): Promise<void> => {
        while (!asked.isOver) {
          expect(await search()).toEqual(whole);
          answers++;
        }
      });
      const all = Promise.all(asking);
      const stopping = (async (): Promise<void> => {
        await cluster.stop(1);
        for (let i = 0; i < 30; i++) expect(await search()).toEqual(whole);
        asked.isOver = true;
      })();
      await Promise.all([all, stopping]);
      expect(answers).toBeGreaterThan(3);
      await cluster.startAgain(1);
      expect(await search()).toEqual(whole);
    });
  });

  it('loses no document where the node that leads the cluster stops in the middle of a load', async () => {
    const { cluster_manager_node: leading, nodes } = await cluster.ask<{
      cluster_manager_node: string;
      nodes: Record<string, { name: string }>;
    }>('/_cluster/state/cluster_manager_node,nodes');
    const leader = Number(nodes[leading]!.name.split(' ')[1]) - 1;
    let stopping: Promise<void> | undefined;
    const corpus = madeCorpus(6000, async (number) => {
      if (number === 3000) stopping = cluster.stop(leader);
      // Slowly enough for the node to be gone before the end.
      if (number > 3000 && number % 300 === 0)
        await Promise.race([stopping, new Promise((wake) => setTimeout(wake, 300))]);
    });
    const bounds = { documents: 100, bytes: 2 ** 20, requests: 4 };
    const loaded = await loadCorpus(corpus, { to: cluster.name('bulk'), shards: 3, replicas: 1, bounds });
    await stopping;
    expect(loaded.documents).toBe(6000);
    await opened('bulk', async (index) => {
      const all = Array.from({ length: 6000 }, (_, i) => `d${i}`);
      expect((await index.known(all)).size).toBe(6000);
      expect((await new OpenSearchRetriever(index, 'bm25').search('number 4711', { k: 1 }))[0]!.id).toBe(
        'd4711',
      );
    });
    await cluster.startAgain(leader);
  });

  it('goes on with a load that was killed, and sends nothing twice', async () => {
    const size = 40_000;
    const file = join(folder, 'corpus.jsonl');
    writeFileSync(
      file,
      Array.from({ length: size }, (_, i) => `${JSON.stringify(madeDocument(i))}\n`).join(''),
    );
    const name = cluster.name('killed');
    const args = ['index', file, '--to', name, '--shards', '2', '--replicas', '0'];
    const child = startQuern(args);
    const ended = finished(child);
    while ((await written('killed')) < 2000) await new Promise((wake) => setTimeout(wake, 5));
    child.kill('SIGKILL');
    expect((await ended).code).toBeNull();
    const before = await written('killed');
    expect(before).toBeLessThan(size);
    await expect(OpenSearchIndex.open(name)).rejects.toThrow(/the load of this index has not ended/);
    const refused = await quern([...args, '--store']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('the load was begun without --store');

    const loaded = await quernJson<{ documents: number; present: number }>(args);
    expect(loaded.documents).toBe(size);
    expect(loaded.present).toBeGreaterThanOrEqual(2000);
    // What was on its way when the loader was killed may have come in after it was asked for; nothing else is there twice.
    expect(await written('killed')).toBe(size);
    const again = await quern(args);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('the index is there, and complete');
  });

  it('answers, explains and shows stored documents on the command line, and never shows a password', async () => {
    const file = join(folder, 'notes.jsonl');
    const notes = [
      { id: 'a', title: 'Bread', text: 'Why bread does not rise: the yeast is dead.' },
      { id: 'b', title: 'Tea', text: 'Water for green tea is not to boil.' },
    ];
    writeFileSync(file, notes.map((note) => `${JSON.stringify(note)}\n`).join(''));
    const secret = cluster.name('notes').replace('http://', 'http://quern:geheim@');
    const loaded = await quern([
      'index',
      file,
      '--to',
      secret,
      '--store',
      '--shards',
      '1',
      '--replicas',
      '0',
    ]);
    expect(loaded).toMatchObject({ code: 0, stdout: expect.stringContaining('2 documents') });
    const searched = ['search', secret, 'dead yeast in bread', '--scoring', 'bm25q', '--explain'];
    const found = await quernJson<{
      hits: { id: string; title: string; score: number; terms: { term: string; share: number }[] }[];
      searches: { terms: { term: string; documents: number }[] }[];
    }>(searched);
    expect(found.hits).toHaveLength(1);
    const [hit] = found.hits;
    expect(hit).toMatchObject({ id: 'a', title: 'Bread' });
    expect(hit!.terms.map(({ term }) => term).toSorted()).toEqual(['bread', 'dead', 'yeast']);
    expect(hit!.terms.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(hit!.score, 4);
    expect(found.searches[0]!.terms.map(({ documents }) => documents)).toEqual([1, 1, 1]);
    const printed = await quern(searched);
    const wrong = await quern(['search', secret.replace('notes', 'nothing'), 'bread']);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('the cluster has no such index');
    const [all] = [[loaded, printed, wrong].map(({ stdout, stderr }) => stdout + stderr).join('')];
    expect(all).not.toContain('geheim');
    const dense = await quern([
      'search',
      secret,
      'bread',
      '--retriever',
      'hybrid:bm25+dense:openai:m@http://localhost:1/v1',
    ]);
    expect(dense.stderr).toContain('an index in OpenSearch has no vectors');
  });

  it('refuses what is another’s, an id that comes twice, and a document that OpenSearch refuses', async () => {
    await cluster.ask('/others/_doc', { body: { text: 'not Quern’s' } });
    await expect(OpenSearchIndex.open(cluster.name('others'))).rejects.toThrow(/not made by Quern/);
    await expect(loadCorpus(madeCorpus(1), { to: cluster.name('others') })).rejects.toThrow(
      /not made by Quern/,
    );
    const twice = (second: string): TextCorpus => ({
      kind: 'text',
      async *documents(): AsyncGenerator<Placed<Document>> {
        yield { where: 'made:0', document: madeDocument(0) };
        yield { where: 'made:1', document: { ...madeDocument(0), text: second } };
      },
    });
    const layout = { shards: 1, replicas: 0 };
    const other = loadCorpus(twice('another'), { to: cluster.name('twice'), ...layout });
    await expect(other).rejects.toThrow(/made:1: the index has another document of the id "d0"/);
    const same = loadCorpus(twice(madeDocument(0).text), { to: cluster.name('same'), ...layout });
    await expect(same).rejects.toThrow(/the index has 1 documents .* and 2 documents .* were read/);
    await expect(OpenSearchIndex.open(cluster.name('same'))).rejects.toThrow(/has not ended/);
  });
});
