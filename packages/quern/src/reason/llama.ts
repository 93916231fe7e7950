import { QuernError, throwIfAborted } from '../errors.ts';
import { checkLoadable, llamaRelease, loadLlama, type LlamaSettings } from '../models/llama-runtime.ts';
import { modelHash, preparedModel, rememberedModelHash } from '../models/prepared-model.ts';
import { chatTokensOf } from './llama/chat-tokens.ts';
import { generated } from './llama/llama-generation.ts';
import { LlamaSequences } from './llama/llama-sequences.ts';
import { tryModel } from './llama/model-trial.ts';
import { LocalReasoner, promptTokensWanted, type LocalEngine } from './local-reasoner.ts';
import type { ModelSettings } from './settings.ts';

/** To be raised when tokens are drawn otherwise than before: what was kept until then is not what the same call yields now. */
const generationVersion = 1;

/** Where memory is short, questions of some 1,400 words still fit. */
const leastPromptTokens = 2000;

/**
 * `llama:PATH_OR_HUB_ID`: a model that runs inside this process, by llama.cpp, downloaded and converted where it has to be.
 *
 * The same call yields the same text on the same machine, as long as one query is evaluated at a time: with `parallel` above
 * 1, several are evaluated in one batch, which can change the last bits of a probability, and with them, rarely, a token. The
 * cache makes no difference between the two.
 */
export class LlamaReasoner extends LocalReasoner {
  protected readonly computedBy = 'llama.cpp';

  /** `name` is what follows `llama:`. Nothing is opened yet. Throws `USAGE` for impossible settings. */
  constructor(name: string, settings: ModelSettings = {}) {
    super('llama', name, settings);
  }

  protected keyOf(hash: string): readonly unknown[] {
    return ['llama', generationVersion, llamaRelease(), hash];
  }

  protected locate(): Promise<string> {
    const { env, warnings, onWork } = this.settings;
    return preparedModel(this.name, {
      cacheFolder: this.cacheFolder,
      env,
      warnings,
      onWork,
      signal: this.closing,
    });
  }

  /**
   * A file that was never hashed is looked into first: a large one takes a while to read, and what is wrong with it, or that
   * the memory is too small for it, is known much sooner.
   */
  protected async computeHash(): Promise<string> {
    const { onWork } = this.settings;
    const signal = this.closing;
    const files = await this.#files();
    const folder = this.cacheFolder;
    await this.noteFiles(files);
    const known = await rememberedModelHash(files, { folder });
    if (known !== undefined) return known;
    await checkLoadable(files[0], this.#llamaSettings());
    return modelHash(files, { folder, onWork, signal });
  }

  async #files(): Promise<[string, ...string[]]> {
    return [await this.located.get(), ...(this.settings.adapters ?? [])];
  }

  #llamaSettings(): LlamaSettings {
    const { adapters, threads } = this.settings;
    const { maxTokens } = this.sampling;
    return {
      adapters,
      threads,
      sequences: this.parallel,
      contextTokens: promptTokensWanted + maxTokens,
      leastTokens: leastPromptTokens + maxTokens,
      signal: this.closing,
    };
  }

  protected async load(): Promise<LocalEngine> {
    await this.hash.get();
    const files = await this.#files();
    throwIfAborted(this.closing);
    const { maxTokens } = this.sampling;
    const { threads, onWork } = this.settings;
    const signal = this.closing;
    await tryModel(files, { folder: this.cacheFolder, threads, signal, onWork });
    const work = onWork?.(`loading ${this.name}`, 100);
    const loaded = await loadLlama(files[0], {
      ...this.#llamaSettings(),
      onProgress: (share) => work?.update(share * 100),
    }).finally(() => work?.stop());
    try {
      await this.checkUnchanged(files);
      const chat = await chatTokensOf(loaded.model);
      const promptTokens = loaded.context.contextSize - maxTokens;
      if (promptTokens <= chat.prefix.length) {
        throw new QuernError(
          'UNSUPPORTED',
          `${this.id} holds ${loaded.context.contextSize} tokens, too few for ${maxTokens} new ones`,
        );
      }
      const sequences = new LlamaSequences(loaded.context, chat.prefix);
      return {
        promptTokens,
        prompted: (query, passages) => {
          const prompt = chat.of(query, passages);
          return {
            tokens: prompt.length,
            generate: async ({ seed, enough, onPiece, signal: stop }) => {
              const { sequence, give } = await sequences.take(stop);
              try {
                const { model } = loaded;
                const { sampling } = this;
                const pieces = generated({ model, sequence, sampling, prompt, seed, enough, signal: stop });
                let next = await pieces.next();
                for (; next.done !== true; next = await pieces.next()) onPiece(next.value);
                return next.value;
              } finally {
                give();
              }
            },
          };
        },
        close: () => loaded.close(),
      };
    } catch (error) {
      await loaded.close();
      throw error;
    }
  }
}
