/** The thread of {@link OnnxModel}: tokenizes texts, and runs a model on batches of tokens, one request after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { QuernError } from '../errors.ts';
import { oneLine } from '../one-line.ts';
import { sentError, type SentError } from '../sent-error.ts';
import { pooledVectors, type PoolingRule } from './pooling.ts';
import { TokenEncoder, type TokenSequence } from './token-encoder.ts';
import {
  transformersPackage,
  type Model,
  type Tensor,
  type TransformersPackage,
} from './transformers-package.ts';

/** The model that a thread loads. */
export interface OnnxThreadData {
  /** Absolute: a relative path would be taken for a name of the hub. */
  readonly folder: string;
  /** Where in it the model lies: `onnx`, or empty. */
  readonly subfolder: string;
  readonly dtype: string;
  readonly task: 'embedding' | 'classification';
  readonly threads: number;
}

/** Texts, or pairs of a text and its second, to tokenize. */
export interface TokensRequest {
  readonly texts: readonly string[];
  readonly seconds?: readonly string[];
  readonly maxTokens: number;
}

/** Sequences to run the model on, in one batch, and how their vectors are pooled; a classifier's are its logits. */
export interface RunRequest {
  readonly sequences: readonly TokenSequence[];
  readonly pooling?: Omit<PoolingRule, 'skipped'>;
  /** An instruction that all begin with, and that a mean is to leave out. */
  readonly skippedPrefix?: string;
}

export type OnnxRequest =
  { readonly tokens: TokensRequest } | { readonly run: RunRequest } | { readonly end: true };

/** A batch's vectors, one after the other. */
export interface RunResult {
  readonly vectors: Float32Array;
  readonly dimensions: number;
}

export type OnnxAnswer =
  { readonly sequences: readonly TokenSequence[] } | RunResult | { readonly error: SentError };

interface Loaded {
  readonly model: Model;
  readonly encoder: TokenEncoder;
  readonly padding: number;
  readonly Tensor: TransformersPackage['Tensor'];
}

const data = workerData as OnnxThreadData;
let loaded: Promise<Loaded> | undefined;

async function load(): Promise<Loaded> {
  const {
    AutoTokenizer,
    AutoModel,
    AutoModelForSequenceClassification,
    Tensor: TensorOf,
  } = await transformersPackage();
  const { folder, subfolder, dtype, threads } = data;
  const AutoClass = data.task === 'embedding' ? AutoModel : AutoModelForSequenceClassification;
  try {
    const tokenizer = await AutoTokenizer.from_pretrained(folder, { local_files_only: true });
    const model = await AutoClass.from_pretrained(folder, {
      local_files_only: true,
      dtype,
      subfolder,
      device: 'cpu',
      session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
    });
    const encoder = new TokenEncoder(tokenizer);
    return { model, encoder, padding: tokenizer.pad_token_id ?? 0, Tensor: TensorOf };
  } catch (error) {
    throw failure(error, 'UNSUPPORTED', 'ONNX Runtime cannot load it');
  }
}

/** Loaded once; after a failure anew. */
function ready(): Promise<Loaded> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

function failure(error: unknown, code: 'UNSUPPORTED' | 'BAD_REPLY', what: string): QuernError {
  const told = oneLine(error instanceof Error ? error.message : String(error)).slice(0, 300);
  const isMemory = /bad_alloc|allocat|out of memory/i.test(told);
  return new QuernError(isMemory ? 'OUT_OF_MEMORY' : code, `${what} (${told})`, { where: data.folder });
}

async function tokenized({ texts, seconds, maxTokens }: TokensRequest): Promise<TokenSequence[]> {
  const { encoder } = await ready();
  return texts.map((text, i) =>
    seconds ? encoder.pair(text, seconds[i], maxTokens) : encoder.single(text, maxTokens),
  );
}

async function run({ sequences, pooling, skippedPrefix = '' }: RunRequest): Promise<RunResult> {
  const { model, encoder, padding, Tensor: TensorOf } = await ready();
  const lengths = sequences.map(({ ids }) => ids.length);
  const tokens = Math.max(...lengths);
  const padded = (row: (sequence: TokenSequence, token: number) => number): Tensor => {
    const values = new BigInt64Array(sequences.length * tokens);
    for (const [i, sequence] of sequences.entries()) {
      for (let token = 0; token < tokens; token++) values[i * tokens + token] = BigInt(row(sequence, token));
    }
    return new TensorOf('int64', values, [sequences.length, tokens]);
  };
  const inputs: Record<string, Tensor> = {
    input_ids: padded(({ ids }, token) => ids[token] ?? padding),
    attention_mask: padded(({ ids }, token) => (token < ids.length ? 1 : 0)),
  };
  const inputNames = Object.values(model.sessions).flatMap((session) => session.inputNames);
  if (inputNames.includes('token_type_ids')) {
    inputs['token_type_ids'] = padded(({ types }, token) => types[token] ?? 0);
  }
  let outputs: Record<string, Tensor>;
  try {
    outputs = await model(inputs);
  } catch (error) {
    throw failure(error, 'BAD_REPLY', 'ONNX Runtime cannot run it');
  }
  if (pooling === undefined) return logits(outputs, sequences.length);
  const { values, dims } = output(outputs, 'last_hidden_state');
  const [, , dimensions] = dims;
  if (dims.length !== 3 || dims[0] !== sequences.length || dims[1] !== tokens) {
    throw wrong(`last_hidden_state has the shape ${dims.join(' × ')}`);
  }
  const rule = { ...pooling, skipped: encoder.prefixTokens(skippedPrefix) };
  return { vectors: pooledVectors({ values, tokens, dimensions }, lengths, rule), dimensions };
}

function logits(outputs: Record<string, Tensor>, count: number): RunResult {
  const { values, dims } = output(outputs, 'logits');
  if (values.length % count !== 0) throw wrong(`logits have the shape ${dims.join(' × ')}`);
  return { vectors: Float32Array.from(values), dimensions: values.length / count };
}

function output(
  outputs: Record<string, Tensor>,
  name: string,
): { readonly values: Float32Array; readonly dims: readonly number[] } {
  const tensor = outputs[name];
  if (tensor === undefined)
    throw wrong(`gives no ${name}, but ${Object.keys(outputs).join(', ').slice(0, 200)}`);
  if (!(tensor.data instanceof Float32Array)) throw wrong(`gives ${name} as ${tensor.type}, not as float32`);
  return { values: tensor.data, dims: tensor.dims };
}

function wrong(what: string): QuernError {
  return new QuernError('UNSUPPORTED', what, { where: data.folder });
}

async function answer(request: Exclude<OnnxRequest, { end: true }>): Promise<void> {
  try {
    if ('tokens' in request) {
      parentPort!.postMessage({ sequences: await tokenized(request.tokens) } satisfies OnnxAnswer);
      return;
    }
    const result = await run(request.run);
    parentPort!.postMessage(result satisfies OnnxAnswer, [result.vectors.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort!.postMessage({ error: sentError(error) } satisfies OnnxAnswer);
  }
}

let turn = Promise.resolve();
let isEnding = false;
parentPort!.on('message', (request: OnnxRequest) => {
  // What waits behind the request that is being worked on is left.
  if ('end' in request) isEnding = true;
  turn = turn.then(() => (isEnding || 'end' in request ? process.exit() : answer(request)));
});
