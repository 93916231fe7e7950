/** What is used of `@huggingface/transformers`. It is declared here, as the package is optional and large. */
import { QuernError } from '../errors.ts';

/** The tokens of one text or of one pair of texts. */
export interface Encoding {
  readonly input_ids: readonly number[];
  /** Which of the two a token belongs to; missing where the model does not tell them apart. */
  readonly token_type_ids?: readonly number[];
}

export interface Tokenizer {
  (
    text: string,
    options: { text_pair?: string; add_special_tokens?: boolean; return_tensor: false },
  ): Encoding;
  readonly pad_token_id?: number;
  readonly model_max_length?: number;
}

export interface Tensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

export interface Model {
  (inputs: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  readonly sessions: Readonly<Record<string, { readonly inputNames: readonly string[] }>>;
}

interface ModelOptions {
  readonly local_files_only: true;
  readonly dtype: string;
  readonly subfolder: string;
  readonly device: 'cpu';
  readonly session_options: { readonly intraOpNumThreads: number; readonly interOpNumThreads: number };
}

interface Pretrained<T, Options> {
  from_pretrained(folder: string, options: Options): Promise<T>;
}

export interface TransformersPackage {
  readonly AutoTokenizer: Pretrained<Tokenizer, { readonly local_files_only: true }>;
  readonly AutoModel: Pretrained<Model, ModelOptions>;
  readonly AutoModelForSequenceClassification: Pretrained<Model, ModelOptions>;
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => Tensor;
  readonly env: {
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    useFSCache: boolean;
    useWasmCache?: boolean;
    /** Its `LogLevel`. */
    logLevel?: number;
  };
}

/** Its `LogLevel.NONE`. */
const noLog = 50;

/** The package, told to fetch, keep and print nothing. Throws `MISSING_PACKAGE`. */
export async function transformersPackage(): Promise<TransformersPackage> {
  // Not a literal: its types are not there where it is not installed.
  const name: string = '@huggingface/transformers';
  let loaded: TransformersPackage;
  try {
    loaded = (await import(name)) as TransformersPackage;
  } catch (error) {
    throw new QuernError('MISSING_PACKAGE', `${name}, which runs ONNX models, cannot be loaded`, {
      hint: `Install it: ONNXRUNTIME_NODE_INSTALL=skip npm install ${name}`,
      cause: error,
    });
  }
  const { env } = loaded;
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.useFSCache = false;
  // Only an error's message is told, by whoever catches it: it would print inputs, too.
  env.logLevel = noLog;
  return loaded;
}
