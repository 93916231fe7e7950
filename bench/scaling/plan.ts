/** The fewest machines for so many documents and questions, by simulating both stages of a question's way. */
import type { Inputs } from './inputs.ts';
import { exponential, fanOutRun, fromQuantiles, generationRun, quantile, uniforms } from './queues.ts';
import type { StageRun } from './queues.ts';

/** A question goes to one server, and to one copy of the index, by chance; so Poisson arrivals stay Poisson at each. */
export interface Plan {
  readonly documents: number;
  readonly rate: number;
  readonly gpus: number;
  readonly shards: number;
  /** Machines that hold one copy of the index, and copies. */
  readonly machinesPerCopy: number;
  readonly copies: number;
  readonly bytesPerMachine: number;
  readonly reason: StageRun | undefined;
  readonly search: StageRun;
  /** Seconds from question to ranking. */
  readonly latencies: readonly number[];
  readonly dollarsPerMonth: number;
  readonly gpuShare: number;
}

const monthHours = 730;
const warmUp = 0.2;
const rateSteps = 9;

const settled = (run: StageRun): StageRun => ({
  ...run,
  latencies: run.latencies.slice(Math.floor(warmUp * run.latencies.length)),
});

/** One server that generates, asked `rate` times a second. */
export function reasonAt(inputs: Inputs, rate: number, questions = 5000): StageRun {
  const random = uniforms(1);
  const { stepMilliseconds, serverEfficiency, promptTokens, completionTokens, tokenShare } = inputs;
  const most = stepMilliseconds.at(-1)![0];
  const byBatch = Float64Array.from({ length: most + 1 }, (_, batch) => {
    const above = stepMilliseconds.findIndex(([size]) => size >= batch);
    const [to, slow] = stepMilliseconds[above];
    if (above === 0) return slow / 1000 / serverEfficiency;
    const [from, fast] = stepMilliseconds[above - 1];
    return (fast + ((batch - from) / (to - from)) * (slow - fast)) / 1000 / serverEfficiency;
  });
  return settled(
    generationRun(random, {
      rate,
      questions,
      most,
      stepSeconds: (batch) => byBatch[batch],
      next: () => ({
        prefillSeconds:
          fromQuantiles(random, promptTokens) / inputs.prefillTokensPerSecond / serverEfficiency,
        tokens: tokenShare * fromQuantiles(random, completionTokens),
      }),
    }),
  );
}

/** How the index lies: shards, and how many of them each machine of a copy has. */
export function layoutOf(
  inputs: Inputs,
  documents: number,
): { shards: number; tasks: number[]; perShard: number } {
  const shards = Math.ceil(documents / inputs.documentsPerShard);
  const perShard = documents / shards;
  const most = Math.max(1, Math.floor(inputs.indexBytes / (perShard * inputs.bytesPerDocument)));
  const machines = Math.ceil(shards / most);
  const tasks = Array.from(
    { length: machines },
    (_, i) => Math.floor(((i + 1) * shards) / machines) - Math.floor((i * shards) / machines),
  );
  return { shards, tasks, perShard };
}

/** One copy of the index, asked `rate` times a second. */
export function searchAt(inputs: Inputs, documents: number, rate: number, questions?: number): StageRun {
  const random = uniforms(2);
  const { tasks, perShard } = layoutOf(inputs, documents);
  const perPosting = (perShard * inputs.nanosecondsPerPosting) / 1e9 / inputs.coreEfficiency;
  const gap = (): number => Math.ceil(exponential(random, inputs.hiccupEvery));
  let untilHiccup = gap();
  const run = fanOutRun(random, {
    rate,
    questions: questions ?? (tasks.length > 4 ? 1500 : 6000),
    cores: inputs.cores,
    tasks,
    service: () => {
      const isReasoned = random() < inputs.reasonedShare;
      const postings =
        (isReasoned ? inputs.reasonedPostings : 0) + (isReasoned && !inputs.gate ? 0 : inputs.barePostings);
      return perPosting * postings * Math.exp(inputs.difficulty * normal(random));
    },
    hiccup: () => {
      if (--untilHiccup > 0) return 0;
      untilHiccup = gap();
      return inputs.hiccupSeconds;
    },
  });
  return settled({ ...run, latencies: run.latencies.map((seconds) => seconds + inputs.overheadSeconds) });
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

/** The largest rate, within 3 %, whose p99 is within the aim; 0 where none is. */
export function largestRate(run: (rate: number) => StageRun, aim: number, most: number): number {
  const isWithin = (rate: number): boolean => quantile(run(rate).latencies, 0.99) <= aim;
  if (!isWithin(most / 1000)) return 0;
  let [low, high] = [most / 1000, most];
  for (let step = 0; step < rateSteps && high / low > 1.03; step++) {
    const middle = Math.sqrt(low * high);
    if (isWithin(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** What a server and a copy can be asked at most. Throws where the aim is out of reach at any rate. */
export class Capacity {
  readonly #copies = new Map<number, number>();
  readonly perServer: number;
  readonly inputs: Inputs;

  constructor(inputs: Inputs) {
    this.inputs = inputs;
    const [batch, milliseconds] = inputs.stepMilliseconds.at(-1)!;
    const most = (1.2 * batch * 1000 * inputs.serverEfficiency) / milliseconds / (450 * inputs.tokenShare);
    this.perServer = largestRate((rate) => reasonAt(inputs, rate), inputs.reasonP99, most);
    if (this.perServer === 0) throw new Error('no rate keeps the aim for reasoning');
  }

  perCopy(documents: number): number {
    const known = this.#copies.get(documents);
    if (known !== undefined) return known;
    const { inputs } = this;
    const { tasks } = layoutOf(inputs, documents);
    const work = (inputs.reasonedShare * inputs.reasonedPostings + inputs.barePostings) * documents;
    const seconds = (work * inputs.nanosecondsPerPosting) / 1e9 / inputs.coreEfficiency;
    const most = (1.1 * tasks.length * inputs.cores) / seconds;
    const found = largestRate((rate) => searchAt(inputs, documents, rate), inputs.searchP99, most);
    if (found === 0) throw new Error(`no rate keeps the aim for searching ${documents} documents`);
    this.#copies.set(documents, found);
    return found;
  }

  plan(documents: number, rate: number): Plan {
    const { inputs } = this;
    const generated = rate * inputs.reasonedShare * (1 - inputs.cachedShare);
    const gpus = generated === 0 ? 0 : Math.ceil(generated / this.perServer);
    const { shards, tasks, perShard } = layoutOf(inputs, documents);
    const copies = Math.ceil(rate / this.perCopy(documents));
    const reason = gpus === 0 ? undefined : reasonAt(inputs, generated / gpus);
    const search = searchAt(inputs, documents, rate / copies);
    const random = uniforms(3);
    const draw = (values: readonly number[]): number => values[Math.floor(random() * values.length)];
    const generatedShare = generated / rate;
    const latencies = Array.from(
      { length: 20_000 },
      () =>
        draw(search.latencies) +
        (reason !== undefined && random() < generatedShare ? draw(reason.latencies) : 0),
    );
    const gpuDollars = gpus * inputs.gpuMachineHour * monthHours;
    const dollarsPerMonth = gpuDollars + copies * tasks.length * inputs.searchMachineHour * monthHours;
    return {
      documents,
      rate,
      gpus,
      shards,
      machinesPerCopy: tasks.length,
      copies,
      bytesPerMachine: Math.max(...tasks) * perShard * inputs.bytesPerDocument,
      reason,
      search,
      latencies,
      dollarsPerMonth,
      gpuShare: gpuDollars / dollarsPerMonth,
    };
  }
}

/** Dollars for a million questions. */
export function perMillion({ dollarsPerMonth, rate }: Plan): number {
  return (dollarsPerMonth / (rate * monthHours * 3600)) * 1e6;
}
