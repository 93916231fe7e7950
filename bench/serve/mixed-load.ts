import { setTimeout as pause } from 'node:timers/promises';

/** How often each kind of request was answered, by kind and status; `gone` where the client left. */
export type MixedOutcome = ReadonlyMap<string, number>;

/** What is asked, and where. */
export interface MixedLoad {
  readonly url: string;
  readonly questions: readonly string[];
  readonly seconds: number;
  /** Documents of the corpus that is uploaded again and again, as JSON lines. */
  readonly corpus: string;
}

/**
 * Many kinds of requests at once, for so long: searches with and without a reasoner, of questions that are cached and of new ones,
 * streams that are read to their end and streams that are left, chat completions, wrong requests, lists, metrics, uploads and builds
 * that replace each other.
 */
export async function mixedLoad({ url, questions, seconds, corpus }: MixedLoad): Promise<MixedOutcome> {
  const outcomes = new Map<string, number>();
  const until = performance.now() + seconds * 1000;
  let number = 0;
  const count = (kind: string, what: string | number): void => {
    const key = `${kind}: ${what}`;
    outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
  };
  const post = async (kind: string, path: string, body: object): Promise<void> => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    count(kind, response.status);
  };
  const question = (): string => questions[number++ % questions.length];
  const fresh = (): string => `${question()} (${number} of them)`;
  const search = (kind: string, more: object): (() => Promise<void>) => {
    return () => post(kind, '/v1/search', { index: 'theorems', query: question(), ...more });
  };
  const kinds: (readonly [number, () => Promise<void>])[] = [
    [4, search('search', {})],
    [4, search('search, cached reasoner', { reasoner: 'qr' })],
    [1, search('search, explained', { reasoner: 'qr', explain: true, k: 50 })],
    [
      1,
      () => post('search, new question', '/v1/search', { index: 'theorems', query: fresh(), reasoner: 'qr' }),
    ],
    [1, () => stream(url, { query: fresh(), reasoner: 'qr' }, false).then((end) => count('stream', end))],
    [
      1,
      () =>
        stream(url, { query: fresh(), reasoner: 'qr' }, true).then((end) =>
          count('stream that is left', end),
        ),
    ],
    [
      1,
      () =>
        post('chat completion', '/v1/chat/completions', {
          model: 'qr',
          messages: [{ role: 'user', content: question() }],
        }),
    ],
    [1, search('wrong name', { index: '../../etc' })],
    [1, () => get(url, '/v1/indexes').then((status) => count('list of indexes', status))],
    [1, () => get(url, '/metrics').then((status) => count('metrics', status))],
  ];
  const worker = async (kind: () => Promise<void>): Promise<void> => {
    while (performance.now() < until) {
      await kind().catch((error: unknown) => count('no answer', String(error)));
      await pause(5);
    }
  };
  const builder = async (): Promise<void> => {
    for (let i = 0; performance.now() < until; i++) {
      try {
        count('upload', await upload(url, corpus));
        await post('build', '/v1/indexes', { name: `built-${i % 3}`, corpus: 'bench', store: true });
        await pause(2000);
        await post('search, built', '/v1/search', { index: `built-${i % 3}`, query: question() });
      } catch (error) {
        count('no answer', String(error));
      }
    }
  };
  await Promise.all([
    ...kinds.flatMap(([workers, kind]) => Array.from({ length: workers }, () => worker(kind))),
    builder(),
  ]);
  return outcomes;
}

async function get(url: string, path: string): Promise<number> {
  const response = await fetch(url + path);
  await response.arrayBuffer();
  return response.status;
}

async function upload(url: string, corpus: string): Promise<number> {
  const response = await fetch(`${url}/v1/corpora/bench/corpus.jsonl`, {
    method: 'PUT',
    headers: { 'content-type': 'application/x-ndjson' },
    body: corpus,
  });
  await response.arrayBuffer();
  return response.status;
}

/** A stream of events; what is left after the first of them is `gone`. */
async function stream(url: string, body: object, isLeft: boolean): Promise<string> {
  const response = await fetch(`${url}/v1/reason`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(body),
  });
  if (response.status !== 200) {
    await response.arrayBuffer();
    return String(response.status);
  }
  let told = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body!) {
    told += decoder.decode(bytes, { stream: true });
    // Whoever leaves the loop ends the connection.
    if (isLeft) return 'gone';
  }
  return told.includes('event: done') ? '200' : 'broke off';
}
