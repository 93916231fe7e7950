import { optionalPackage } from '../../optional-package.ts';
import type { RewardResult } from '../reward.ts';

/** What the server tells Prometheus. */
export interface RewardMetrics {
  /** How a request ended, and after how many seconds. */
  answered(route: string, status: number, seconds: number): void;
  scored(results: readonly RewardResult[]): void;
  batch(items: number): void;
  /** The text of `/metrics`, and its content type. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Reasons that are counted by their names; a reward has fewer, and what is beyond them counts as `other`. */
const mostReasons = 20;

/** Metrics of one server; `waiting` says how many items wait. Throws `MISSING_PACKAGE`. */
export async function rewardMetrics(waiting: () => number): Promise<RewardMetrics> {
  const { Counter, Gauge, Histogram, Registry } = await optionalPackage(
    () => import('prom-client'),
    'prom-client, which counts for Prometheus',
    'npm install prom-client',
  );
  const registers = [new Registry()];
  const named = (name: string, help: string) => ({ name: `quern_reward_${name}`, help, registers });
  const requests = new Counter({
    ...named('requests_total', 'Requests by route and status'),
    labelNames: ['route', 'status'],
  });
  const seconds = new Histogram({
    ...named('request_seconds', 'Seconds from a request to its answer'),
    labelNames: ['route'],
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
  });
  const items = new Counter(named('items_total', 'Completions that were scored'));
  const failures = new Counter({
    ...named('failures_total', 'Completions with the defined reward, by reason'),
    labelNames: ['reason'],
  });
  const batches = new Histogram({
    ...named('batch_items', 'Completions that were scored together'),
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  });
  const waitingItems = new Gauge(named('waiting_items', 'Completions that wait'));
  const reasons = new Set<string>();
  const [registry] = registers;
  return {
    contentType: registry.contentType,
    answered(route, status, time) {
      requests.inc({ route, status });
      seconds.observe({ route }, time);
    },
    scored(results) {
      items.inc(results.length);
      for (const { failure } of results) {
        if (failure === undefined) continue;
        if (reasons.size < mostReasons) reasons.add(failure);
        failures.inc({ reason: reasons.has(failure) ? failure : 'other' });
      }
    },
    batch: (count) => batches.observe(count),
    text() {
      waitingItems.set(waiting());
      return registry.metrics();
    },
  };
}
