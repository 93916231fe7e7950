/**
 * What the simulation takes for given. `measured` says in which section of docs/PERFORMANCE.md a figure stands; all else is an
 * assumption, to be replaced by whoever knows better.
 */
export interface Inputs {
  /** ASSUMPTION: prices an hour of November 2026, US dollars, nobody's offer: a machine of 16 cores and 128 GB; one with an H100. */
  readonly searchMachineHour: number;
  readonly gpuMachineHour: number;
  /** ASSUMPTION: cores of a machine, bytes of it that hold an index, and what a core does of its best when all are busy. */
  readonly cores: number;
  readonly indexBytes: number;
  readonly coreEfficiency: number;
  /** ASSUMPTION: what a server does of what the bare loop on the GPU does. */
  readonly serverEfficiency: number;
  /** Measured, "Speed: generating on a GPU, by batch": milliseconds a step by sequences at once; prompt tokens a second. */
  readonly stepMilliseconds: readonly (readonly [batch: number, milliseconds: number])[];
  readonly prefillTokensPerSecond: number;
  /** Measured, the same section: quantiles of the tokens of BRIGHT's questions at tenths; with the prompt's own 50. */
  readonly promptTokens: readonly number[];
  /** Measured, the same section: of TongSearch-QR's texts. */
  readonly completionTokens: readonly number[];
  /** What of a text is generated: 1 is all (measured, "Stopping early"). */
  readonly tokenShare: number;
  /** What of the questions is reasoned about (measured, "Standing aside"), and what of these the cache knows (ASSUMPTION: none). */
  readonly reasonedShare: number;
  readonly cachedShare: number;
  /** Whether a gate looks at the bare question's ranking first. */
  readonly gate: boolean;
  /** Measured, "How a search grows": postings read a document, reasoned query and bare question. */
  readonly reasonedPostings: number;
  readonly barePostings: number;
  /** Measured, "Speed: search, against …" (zipf, 200 terms, k = 10): 1/118 s for 4,946,312 postings. */
  readonly nanosecondsPerPosting: number;
  /** Measured, the same: p99 10.9 ms by p50 8.36 ms, taken for a log-normal's; the same at all shards. */
  readonly difficulty: number;
  /** Measured, the same (742 MB for a million documents of 120 terms). */
  readonly bytesPerDocument: number;
  /** In the code: 550 million postings a segment, by 99.2 a document (measured, "How a search grows"). */
  readonly documentsPerShard: number;
  /** ASSUMPTION: one task in so many takes so many seconds more (collection of garbage, a neighbour). */
  readonly hiccupEvery: number;
  readonly hiccupSeconds: number;
  /** ASSUMPTION: seconds for sending, merging and answering. */
  readonly overheadSeconds: number;
  /** The aim: p99 of reasoning and of searching, seconds. */
  readonly reasonP99: number;
  readonly searchP99: number;
}

/** Microseconds. */
const steps = {
  '0.5B': [1335, 1443, 1460, 1515, 1633, 1804, 2033, 2323, 2666, 3130, 3956, 4792],
  '1.5B': [2287, 2421, 2470, 2563, 2771, 2979, 3412, 3813, 4709, 5188, 6913, 8597],
  '7B': [6249, 6410, 6531, 6705, 6806, 7556, 8235, 9004, 10567, 11728, 15540, 19557],
} as const;
const batches = [1, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512];
const prefill = { '0.5B': 400_941, '1.5B': 164_001, '7B': 50_683 } as const;

/** What depends on the size of the reasoner. */
export function reasonerOf(
  size: keyof typeof steps,
): Pick<Inputs, 'stepMilliseconds' | 'prefillTokensPerSecond'> {
  return {
    stepMilliseconds: batches.map((batch, i) => [batch, steps[size][i] / 1000] as const),
    prefillTokensPerSecond: prefill[size],
  };
}

/** The base case. */
export const base: Inputs = {
  searchMachineHour: 0.8,
  gpuMachineHour: 3,
  cores: 16,
  indexBytes: 100e9,
  coreEfficiency: 0.75,
  serverEfficiency: 0.8,
  ...reasonerOf('1.5B'),
  promptTokens: [19, 54, 72, 88, 105, 120, 146, 188, 271, 450, 1344].map((tokens) => tokens + 50),
  completionTokens: [304, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500],
  tokenShare: 1,
  reasonedShare: 1,
  cachedShare: 0,
  gate: false,
  reasonedPostings: 4.488,
  barePostings: 0.2564,
  nanosecondsPerPosting: 1.713,
  difficulty: 0.114,
  bytesPerDocument: 742,
  documentsPerShard: 5.5e6,
  hiccupEvery: 1000,
  hiccupSeconds: 0.05,
  overheadSeconds: 0.002,
  reasonP99: 6,
  searchP99: 0.5,
};
