import { getLlama, LlamaLogLevel, type Llama, type LlamaModel, type Token } from 'node-llama-cpp';

let loaded: Promise<Llama> | undefined;

/** llama.cpp on the CPU, loaded when it is first asked for. */
function llamaCpp(): Promise<Llama> {
  loaded ??= getLlama({
    gpu: false,
    build: 'never',
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: 1,
  });
  return loaded;
}

/** What `use` makes of the model in a GGUF file, as llama.cpp loads it. */
export async function withLlamaModel<T>(
  path: string,
  use: (model: LlamaModel) => Promise<T> | T,
): Promise<T> {
  const model = await (await llamaCpp()).loadModel({ modelPath: path });
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

/**
 * The log-probabilities of the token after each of `positions` of `tokens`, by token id; `lora` names the GGUF file of an
 * adapter that is applied.
 */
export async function logProbabilities(
  model: LlamaModel,
  tokens: readonly number[],
  positions: readonly number[],
  lora?: string,
): Promise<Map<number, number[]>> {
  const context = await model.createContext({ contextSize: 256, flashAttention: false, lora });
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const asked = { generateNext: { probabilities: true, options } };
  const results = await context
    .getSequence()
    .controlledEvaluate(
      tokens.map((token, at) => (positions.includes(at) ? [token as Token, asked] : (token as Token))),
    );
  await context.dispose();
  return new Map(
    positions.map((at) => {
      const probabilities = results[at]?.next.probabilities ?? new Map<Token, number>();
      const values: number[] = [];
      for (const [token, probability] of probabilities) values[token] = Math.log(probability);
      return [at, values];
    }),
  );
}
