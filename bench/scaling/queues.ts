/** Queues in continuous time, simulated event by event. Seconds everywhere; all draws come from the caller's `random`. */

/** Uniform numbers in (0, 1) that depend on the seed alone (SplitMix32). */
export function uniforms(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (((z ^ (z >>> 16)) >>> 0) + 0.5) / 2 ** 32;
  };
}

/** A draw from the exponential distribution. */
export function exponential(random: () => number, mean: number): number {
  return -mean * Math.log(random());
}

/** A draw from the distribution whose quantiles at 0, 1/n, …, 1 these are, linear in between. */
export function fromQuantiles(random: () => number, quantiles: readonly number[]): number {
  const at = random() * (quantiles.length - 1);
  const below = Math.floor(at);
  return quantiles[below] + (at - below) * (quantiles[below + 1] - quantiles[below]);
}

/** A binary heap of numbers, the least first. */
class LeastFirst {
  readonly #items: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  get least(): number {
    return this.#items[0];
  }

  push(item: number): void {
    const items = this.#items;
    let place = items.push(item) - 1;
    for (; place > 0 && items[(place - 1) >> 1] > item; place = (place - 1) >> 1) {
      items[place] = items[(place - 1) >> 1];
    }
    items[place] = item;
  }

  pop(): number {
    const [least] = this.#items;
    const last = this.#items.pop()!;
    if (this.#items.length > 0) this.replaceLeast(last);
    return least;
  }

  replaceLeast(item: number): void {
    const items = this.#items;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1] < items[child]) child++;
      if (items[child] >= item) break;
      items[place] = items[child];
      place = child;
    }
    items[place] = item;
  }
}

/** Servers that take tasks in the order of their arrival: Kiefer and Wolfowitz's recursion over when each is free. */
export class Servers {
  readonly #free = new LeastFirst();
  /** Seconds of service given. */
  busy = 0;

  constructor(count: number) {
    for (let i = 0; i < count; i++) this.#free.push(0);
  }

  /** When the task ends that arrives at `time`, not before any earlier one, and takes `service`. */
  finish(time: number, service: number): number {
    const end = Math.max(time, this.#free.least) + service;
    this.#free.replaceLeast(end);
    this.busy += service;
    return end;
  }
}

/** What a server that generates is asked: so many tokens, after the prompt was read, which holds all others up. */
export interface Generation {
  readonly prefillSeconds: number;
  readonly tokens: number;
}

/** What became of the questions of a simulated stage, in the order of their ends. */
export interface StageRun {
  readonly latencies: number[];
  /** The share of time in which a server was busy. */
  readonly utilisation: number;
  /** The mean number of questions in service at a server. */
  readonly inService: number;
}

/**
 * A server with continuous batching: each of the `b` sequences in it gains a token every `stepSeconds(b)`, a newcomer's prompt is
 * read first while all wait, and beyond `most` sequences questions queue. Arrivals are Poisson.
 */
export function generationRun(
  random: () => number,
  {
    rate,
    questions,
    most,
    stepSeconds,
    next,
  }: {
    readonly rate: number;
    readonly questions: number;
    readonly most: number;
    readonly stepSeconds: (batch: number) => number;
    readonly next: () => Generation;
  },
): StageRun {
  const active = new LeastFirst();
  const arrivals = new Map<number, number[]>();
  const waiting: { arrived: number; generation: Generation }[] = [];
  let head = 0;
  let [now, gained, stall, busy, area] = [0, 0, 0, 0, 0];
  const latencies: number[] = [];
  const admit = (arrived: number, { prefillSeconds, tokens }: Generation): void => {
    const end = gained + tokens;
    active.push(end);
    arrivals.set(end, [...(arrivals.get(end) ?? []), arrived]);
    stall += prefillSeconds;
  };
  const advance = (to: number): void => {
    const elapsed = to - now;
    if (active.size > 0) {
      busy += elapsed;
      area += active.size * elapsed;
      const stalled = Math.min(stall, elapsed);
      stall -= stalled;
      gained += (elapsed - stalled) / stepSeconds(active.size);
    }
    now = to;
  };
  let arrived = 0;
  let nextArrival = exponential(random, 1 / rate);
  while (latencies.length < questions) {
    const completion =
      active.size === 0
        ? Infinity
        : now + stall + Math.max(0, active.least - gained) * stepSeconds(active.size);
    if (nextArrival <= completion && arrived < questions) {
      advance(nextArrival);
      if (active.size < most) admit(now, next());
      else waiting.push({ arrived: now, generation: next() });
      arrived++;
      nextArrival = now + exponential(random, 1 / rate);
    } else {
      advance(completion);
      const end = active.pop();
      gained = Math.max(gained, end);
      const since = arrivals.get(end)!;
      latencies.push(now - since.shift()!);
      if (since.length === 0) arrivals.delete(end);
      if (head < waiting.length) {
        const { arrived: since0, generation } = waiting[head++];
        admit(since0, generation);
      }
    }
  }
  return { latencies, utilisation: busy / now, inService: area / now };
}

/**
 * A whole copy of a sharded index: each question goes to all machines at once, each has `tasks[i]` of its shards to search on its
 * `cores`, and the answer is there when the last shard's is. Arrivals are Poisson. `service` draws what a question's task takes
 * at all shards, `hiccup` what one task takes in addition.
 */
export function fanOutRun(
  random: () => number,
  {
    rate,
    questions,
    cores,
    tasks,
    service,
    hiccup,
  }: {
    readonly rate: number;
    readonly questions: number;
    readonly cores: number;
    readonly tasks: readonly number[];
    readonly service: () => number;
    readonly hiccup: () => number;
  },
): StageRun {
  const machines = tasks.map(() => new Servers(cores));
  const latencies: number[] = [];
  let now = 0;
  for (let question = 0; question < questions; question++) {
    now += exponential(random, 1 / rate);
    const seconds = service();
    let last = now;
    for (const [i, machine] of machines.entries()) {
      for (let task = 0; task < tasks[i]; task++) {
        const end = machine.finish(now, seconds + hiccup());
        if (end > last) last = end;
      }
    }
    latencies.push(last - now);
  }
  const busy = machines.reduce((sum, machine) => sum + machine.busy, 0);
  const utilisation = busy / (now * cores * machines.length);
  return { latencies, utilisation, inService: utilisation * cores };
}

/** The value that a share of the values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
