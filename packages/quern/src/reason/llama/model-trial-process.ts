/** The process of a trial: see `model-trial.ts`. */
import { Worker } from 'node:worker_threads';
import { QuernError } from '../../errors.ts';
import { sentError } from '../../sent-error.ts';
import { loadLlama } from '../../models/llama-runtime.ts';
import { oneLine } from '../../one-line.ts';
import { publishedSampling } from '../sampling.ts';
import { chatTokensOf } from './chat-tokens.ts';
import { generated } from './llama-generation.ts';
import type { TrialJob, TrialSign } from './model-trial.ts';

/** A short context will do: the prompt of a short question, and one token. */
const contextTokens = 512;

/** Prompt tokens between two signs of life. */
const chunkTokens = 32;

function tell(sign: TrialSign): void {
  process.send!(sign);
}

async function tried({ files, threads }: TrialJob): Promise<void> {
  const [path, ...adapters] = files;
  let told = 0;
  const { model, context } = await loadLlama(path, {
    adapters,
    sequences: 1,
    contextTokens,
    threads,
    onProgress(share) {
      if (share < told + 0.01) return;
      told = share;
      tell({ loaded: share });
    },
  });
  tell('evaluating');
  try {
    const chat = await chatTokensOf(model);
    // A model that holds fewer tokens is refused when the number of new ones is known.
    const prompt = chat.of('why').slice(0, context.contextSize - 1);
    const sequence = context.getSequence();
    while (prompt.length - sequence.nextTokenIndex > chunkTokens) {
      tell('evaluating');
      const next = sequence.nextTokenIndex;
      await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(next, next + chunkTokens));
    }
    tell('evaluating');
    if (prompt.length === 0) return;
    const sampling = { ...publishedSampling, maxTokens: 1 };
    for await (const _ of generated({ model, sequence, prompt, sampling, seed: 0 }));
  } catch (error) {
    if (error instanceof QuernError && error.where !== undefined) throw error;
    if (error instanceof QuernError) {
      throw new QuernError(error.code, error.what, { where: path, hint: error.hint });
    }
    const message = error instanceof Error ? error.message : String(error);
    throw new QuernError('UNSUPPORTED', `llama.cpp cannot evaluate it (${oneLine(message)})`, {
      where: path,
    });
  }
}

process.once('message', (job: TrialJob) => {
  tried(job).then(
    () => tell('passed'),
    (error: unknown) => tell({ error: sentError(error) }),
  );
});
// On a thread of its own, as a template that loops for ever leaves this one no time.
const watch = new Worker(new URL('end-with-parent.js', import.meta.url));
watch.once('online', () => tell('ready'));
