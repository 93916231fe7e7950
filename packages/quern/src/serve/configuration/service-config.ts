import type { Bm25Parameters } from '../../lexical/bm25.ts';
import type { ReasonerConfiguration } from '../../reason/configuration.ts';

/** What a token allows. Each allows what stands before it, too. */
export const scopes = ['read', 'write', 'admin'] as const;

/** What a token allows: `read`, `write` or `admin`, each what stands before it, too. */
export type Scope = (typeof scopes)[number];

/** A token as it is declared: its hash, never itself. */
export interface DeclaredToken {
  /** What logs call it. */
  readonly name: string;
  /** SHA-256 of the token, in hexadecimal. */
  readonly hash: string;
  readonly scope: Scope;
}

/** An index that can be searched by a name. */
export interface DeclaredIndex {
  /** A folder, or `opensearch:INDEX@URL`. */
  readonly index: string;
  /** The name of the retriever where a request names none. */
  readonly retriever: string;
  readonly parameters?: Bm25Parameters;
  /** A file of questions that it can be asked. */
  readonly questions?: string;
}

/** A reasoner that can be asked by a name. */
export interface DeclaredReasoner {
  /** As on the command line, e.g. `openai:MODEL@URL`. */
  readonly reasoner: string;
  /** Milliseconds that it may take for a question; then the question stands alone. */
  readonly deadline?: number;
  readonly seed?: number;
  /** A gate's file, as `quern tune` writes it. */
  readonly gate?: string;
  /** Whether what it writes is kept and taken from the cache. */
  readonly cached: boolean;
  readonly configuration: ReasonerConfiguration;
}

/** A model that is one string and the variable of its key. */
export interface DeclaredModel {
  readonly model: string;
  readonly keyVariable?: string;
}

/** A reward that completions can be scored by. */
export interface DeclaredReward {
  readonly reward: string;
  /** The name of the index in which `retrieval:…` ranks. */
  readonly index?: string;
}

/** How much work of one kind is taken on. */
export interface QueueLimits {
  /** How many at once. */
  readonly concurrent?: number;
  /** How many may wait; more are refused with 429. */
  readonly waiting: number;
  /** How long one may wait, in milliseconds; then it is refused with 429. */
  readonly deadline: number;
}

/** What a request may ask for, and how much is taken on. */
export interface ServiceLimits {
  /** Bytes of a JSON body. */
  readonly body: number;
  /** Bytes of an uploaded file. */
  readonly upload: number;
  /** Bytes a second that an upload must come at, at least. */
  readonly uploadRate: number;
  /** Over how many milliseconds of waiting that is averaged. */
  readonly uploadTime: number;
  /** Bytes of the data folder. */
  readonly data: number;
  /** Characters (UTF-16 code units) of a question. */
  readonly query: number;
  /** Hits. */
  readonly k: number;
  /** Ids of documents that are left out. */
  readonly excluded: number;
  /** Texts of a request for embeddings. */
  readonly texts: number;
  /** Completions of a request for rewards. */
  readonly items: number;
  /** Requests under way; those beyond are refused with 429. */
  readonly requests: number;
  /** Open connections. */
  readonly connections: number;
  /** Requests a minute of one token, or of one address where no token is asked for. 0: any number. */
  readonly perMinute: number;
  /** Milliseconds in which a JSON body must have come. */
  readonly bodyTime: number;
  /** Milliseconds for accepted requests to end at a shutdown. */
  readonly grace: number;
  readonly searches: QueueLimits;
  readonly generations: QueueLimits;
  readonly embeddings: QueueLimits;
}

/** How the service is reached. */
export interface ListenSettings {
  readonly host: string;
  readonly port: number;
  /** Names by which clients reach it, as in `Host`, beside those of this machine. */
  readonly hosts: readonly string[];
  /** Origins of pages elsewhere that may call it. */
  readonly origins: readonly string[];
  /** Whether `X-Forwarded-For` of whoever connects says who asks. */
  readonly proxy: boolean;
}

/** What is logged. */
export interface LogSettings {
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Whether questions and reasoned queries are logged. */
  readonly questions: boolean;
}

/** Everything that a service is made of. */
export interface ServiceConfig {
  readonly listen: ListenSettings;
  /** The folder of what is uploaded and built; without one nothing can be. */
  readonly data?: string;
  /** The folder of the cache of reasoned queries. */
  readonly cache?: string;
  readonly indexes: ReadonlyMap<string, DeclaredIndex>;
  readonly retrievers: ReadonlyMap<string, string>;
  readonly reasoners: ReadonlyMap<string, DeclaredReasoner>;
  readonly embedders: ReadonlyMap<string, DeclaredModel>;
  readonly rerankers: ReadonlyMap<string, DeclaredModel>;
  readonly rewards: ReadonlyMap<string, DeclaredReward>;
  /** Folders of runs of training and of evaluations. */
  readonly runs: readonly string[];
  /** Folders of curated training sets. */
  readonly sets: readonly string[];
  readonly tokens: readonly DeclaredToken[];
  readonly limits: ServiceLimits;
  readonly log: LogSettings;
}
