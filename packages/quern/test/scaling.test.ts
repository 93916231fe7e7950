/** The simulation behind docs/SCALING.md, against closed forms; and that document against the simulation. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { base } from '../../../bench/scaling/inputs.ts';
import { Capacity, largestRate, layoutOf, perMillion } from '../../../bench/scaling/plan.ts';
import {
  exponential,
  fanOutRun,
  fromQuantiles,
  generationRun,
  quantile,
  Servers,
  uniforms,
  type StageRun,
} from '../../../bench/scaling/queues.ts';
import { cellsTable, withTables } from '../../../bench/scaling/tables.ts';

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Mean wait of Poisson arrivals at `count` servers. */
function meanWait(rate: number, count: number, service: (random: () => number) => number): number {
  const random = uniforms(7);
  const servers = new Servers(count);
  let [now, waited] = [0, 0];
  const tasks = 200_000;
  for (let task = 0; task < tasks; task++) {
    now += exponential(random, 1 / rate);
    const seconds = service(random);
    waited += servers.finish(now, seconds) - seconds - now;
  }
  return waited / tasks;
}

/** Erlang's C by the mean wait of M/M/c, service of mean 1. */
function erlangWait(rate: number, count: number): number {
  let blocked = 1;
  for (let servers = 1; servers <= count; servers++) blocked = (rate * blocked) / (servers + rate * blocked);
  const waits = blocked / (1 - (rate / count) * (1 - blocked));
  return waits / (count - rate);
}

const expectWithin = (value: number, expected: number, share: number): void => {
  expect(Math.abs(value / expected - 1)).toBeLessThan(share);
};

describe('the simulated queues', () => {
  it.each([
    [0.7, 1],
    [3.2, 4],
    [14, 16],
  ])('wait as M/M/c does: %d arrivals a service at %d servers', (rate, count) => {
    expectWithin(
      meanWait(rate, count, (random) => exponential(random, 1)),
      erlangWait(rate, count),
      0.06,
    );
  });

  it('wait as M/D/1 does', () => {
    expectWithin(
      meanWait(0.8, 1, () => 1),
      0.8 / (2 * (1 - 0.8)),
      0.05,
    );
  });

  it('answer with the last shard: the mean of the maximum of exponentials is the harmonic number', () => {
    const random = uniforms(5);
    const { latencies } = fanOutRun(random, {
      rate: 1e-4,
      questions: 20_000,
      cores: 2,
      tasks: Array.from({ length: 10 }, () => 2),
      service: () => 0,
      hiccup: () => exponential(random, 1),
    });
    const harmonic = meanOf(Array.from({ length: 20 }, (_, i) => 20 / (i + 1)));
    expectWithin(meanOf(latencies), harmonic, 0.02);
  });

  it('share a server that steps as slowly as it has sequences as M/M/1 processor sharing does', () => {
    const random = uniforms(6);
    const { latencies, utilisation } = generationRun(random, {
      rate: 0.6,
      questions: 100_000,
      most: Infinity,
      stepSeconds: (batch) => batch,
      next: () => ({ prefillSeconds: 0, tokens: exponential(random, 1) }),
    });
    expectWithin(meanOf(latencies), 1 / (1 - 0.6), 0.06);
    expectWithin(utilisation, 0.6, 0.03);
  });

  it('take one sequence at a time as M/D/1 does, the prompt included', () => {
    const random = uniforms(8);
    const { latencies, inService } = generationRun(random, {
      rate: 0.5,
      questions: 100_000,
      most: 1,
      stepSeconds: () => 0.1,
      next: () => ({ prefillSeconds: 0.5, tokens: 5 }),
    });
    expectWithin(meanOf(latencies), 1 + 0.5 / (2 * (1 - 0.5)), 0.03);
    expectWithin(inService, 0.5, 0.03);
  });

  it('draw from quantiles what lies between them, evenly', () => {
    const random = uniforms(9);
    const draws = Array.from({ length: 50_000 }, () => fromQuantiles(random, [0, 1, 10]));
    expectWithin(quantile(draws, 0.5), 1, 0.03);
    expectWithin(meanOf(draws), 0.5 * 0.5 + 0.5 * 5.5, 0.02);
  });
});

/** A stage whose questions take the square of the rate. */
const squareRun = (rate: number): StageRun => ({ latencies: [rate ** 2], utilisation: 0, inService: 0 });

describe('the plan', () => {
  it('finds the largest rate that keeps the aim', () => {
    const found = largestRate(squareRun, 4, 100);
    expect(found).toBeLessThanOrEqual(2);
    expect(found).toBeGreaterThan(1.9);
    expect(largestRate(squareRun, 1e-9, 100)).toBe(0);
  });

  it('lays all shards on as few machines as memory allows', () => {
    const { shards, tasks, perShard } = layoutOf(base, 1e10);
    expect(tasks.reduce((a, b) => a + b, 0)).toBe(shards);
    expect(shards * perShard).toBeCloseTo(1e10, 0);
    expect(Math.max(...tasks) * perShard * base.bytesPerDocument).toBeLessThanOrEqual(base.indexBytes);
    const most = Math.floor(base.indexBytes / (perShard * base.bytesPerDocument));
    expect((tasks.length - 1) * most).toBeLessThan(shards);
  });

  it('keeps both aims, and would not with one copy or server less', () => {
    const capacity = new Capacity(base);
    const plan = capacity.plan(1e8, 1000);
    expect(quantile(plan.search.latencies, 0.99)).toBeLessThanOrEqual(base.searchP99);
    expect(quantile(plan.reason!.latencies, 0.99)).toBeLessThanOrEqual(base.reasonP99);
    expect((plan.copies - 1) * capacity.perCopy(1e8)).toBeLessThan(1000);
    expect((plan.gpus - 1) * capacity.perServer).toBeLessThan(1000);
    expect(perMillion(plan) * 1000 * 730 * 3600).toBeCloseTo(plan.dollarsPerMonth * 1e6, -3);
  });
});

it('docs/SCALING.md has the table that the simulation gives', () => {
  const document = readFileSync(new URL('../../../docs/SCALING.md', import.meta.url), 'utf8');
  expect(withTables(document, new Map([['cells', cellsTable(new Capacity(base))]]))).toBe(document);
  expect(() => withTables(document, new Map([['absent', '']]))).toThrow('no markers for absent');
});
