import { optionalPackage } from '../optional-package.ts';
import type { Observer } from './service/observer.ts';
import type { Service } from './service/service.ts';

/** What a service tells Prometheus. */
export interface ServiceMetrics extends Omit<Observer, 'failed'> {
  /** Something failed, and the answer went without it, or was an error. */
  failed(what: string, code: string): void;
  /** How a request ended, and after how many seconds. */
  answered(route: string, status: number, seconds: number): void;
  /** The text of `/metrics`; queues and indexes are those of the service now. */
  text(service: Service, underWay: number): Promise<string>;
  readonly contentType: string;
}

/** Seconds of what takes from a millisecond to minutes. */
const seconds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];

/** Metrics of one service. Throws `MISSING_PACKAGE`. */
export async function serviceMetrics(): Promise<ServiceMetrics> {
  const { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } = await optionalPackage(
    () => import('prom-client'),
    'prom-client, which counts for Prometheus',
    'npm install prom-client',
  );
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const named = (name: string, help: string) => ({ name: `quern_${name}`, help, registers });
  const requests = new Counter({
    ...named('requests_total', 'Requests by route and status'),
    labelNames: ['route', 'status'] as const,
  });
  const latency = new Histogram({
    ...named('request_seconds', 'Seconds from a request to its answer, by route'),
    labelNames: ['route'] as const,
    buckets: seconds,
  });
  const stages = new Histogram({
    ...named('stage_seconds', 'Seconds of a stage of the work, waiting included'),
    labelNames: ['stage'] as const,
    buckets: seconds,
  });
  const tokens = new Counter({
    ...named('tokens_total', 'Tokens that language models read and wrote now, not those of the cache'),
    labelNames: ['reasoner', 'kind'] as const,
  });
  const reasoned = new Counter({
    ...named('reasoned_total', 'Reasoned queries by how they ended'),
    labelNames: ['reasoner', 'finish'] as const,
  });
  const cache = new Counter({
    ...named('cache_total', 'Reasoned queries that the cache had, and had not'),
    labelNames: ['reasoner', 'result'] as const,
  });
  const gates = new Counter({
    ...named('gate_total', 'Decisions of gates'),
    labelNames: ['reasoner', 'decision'] as const,
  });
  const failures = new Counter({
    ...named('failures_total', 'What failed, by what it was and why'),
    labelNames: ['what', 'code'] as const,
  });
  const hits = new Counter({
    ...named('searches_total', 'Searches by index, and whether they found anything'),
    labelNames: ['index', 'found'] as const,
  });
  const places = new Gauge({
    ...named('queue', 'Work under way and waiting'),
    labelNames: ['work', 'state'] as const,
  });
  const open = new Gauge(named('requests_under_way', 'Requests under way'));
  const indexes = new Gauge(named('indexes', 'Indexes that can be searched'));
  return {
    contentType: registry.contentType,
    answered(route, status, time) {
      requests.inc({ route, status });
      latency.observe({ route }, time);
    },
    stage: (stage, time) => stages.observe({ stage }, time),
    reasoned(reasoner, { finish, cached, promptTokens, completionTokens, failure }) {
      if (reasoner === 'none') return;
      reasoned.inc({ reasoner, finish });
      if (failure) failures.inc({ what: `reasoner ${reasoner}`, code: failure.code });
      // What is no language model has no tokens, and no cache that could have had it.
      const isModels = cached || promptTokens + completionTokens > 0;
      if (finish === 'failed' || finish === 'skipped' || !isModels) return;
      cache.inc({ reasoner, result: cached ? 'hit' : 'miss' });
      if (cached) return;
      tokens.inc({ reasoner, kind: 'prompt' }, promptTokens);
      tokens.inc({ reasoner, kind: 'completion' }, completionTokens);
    },
    gate: (reasoner, { reasons }) => gates.inc({ reasoner, decision: reasons ? 'reason' : 'skip' }),
    found: (index, count) => hits.inc({ index, found: count > 0 ? 'yes' : 'no' }),
    failed: (what, code) => failures.inc({ what, code }),
    text(service, underWay) {
      open.set(underWay);
      indexes.set(service.indexes.names.length);
      for (const { name, running, waiting } of [service.searches, service.embeddings]) {
        places.set({ work: name, state: 'running' }, running);
        places.set({ work: name, state: 'waiting' }, waiting);
      }
      for (const { name, admission } of service.reasoners.all) {
        places.set({ work: `reasoner ${name}`, state: 'running' }, admission.running);
        places.set({ work: `reasoner ${name}`, state: 'waiting' }, admission.waiting);
      }
      places.set({ work: 'rewards', state: 'waiting' }, service.rewards.waiting);
      return registry.metrics();
    },
  };
}
