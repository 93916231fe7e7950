import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import { QuernError } from '../errors.ts';

/**
 * The sequences of a context, each of which always begins with the same tokens: the first sequence evaluates them once, and
 * the others load its state. A call gets a sequence that holds those tokens and nothing else, so that what was asked before
 * cannot change in which batches its prompt is evaluated, on which its last bits depend.
 */
export class LlamaSequences {
  readonly #context: LlamaContext;
  readonly #prefix: readonly Token[];
  readonly #state = join(tmpdir(), `quern-prefix-${process.pid}-${randomBytes(6).toString('hex')}`);
  #isSaved = false;
  #saving: Promise<void> | undefined;
  readonly #free: LlamaContextSequence[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(context: LlamaContext, prefix: readonly Token[]) {
    this.#context = context;
    this.#prefix = prefix;
  }

  /**
   * Waits for a free sequence, brings it to the common prefix, and hands it to `use`; calls are served in their order.
   * Throws `ABORTED` when `signal` aborts while it waits.
   */
  async with<T>(use: (sequence: LlamaContextSequence) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const sequence = await this.take(signal);
    try {
      return await use(sequence);
    } finally {
      this.give(sequence);
    }
  }

  /** The first half of {@link with}; what it returns must be handed to {@link give}. */
  async take(signal?: AbortSignal): Promise<LlamaContextSequence> {
    const sequence = await this.#next(signal);
    try {
      await this.#toPrefix(sequence);
      return sequence;
    } catch (error) {
      this.give(sequence);
      throw error;
    }
  }

  give(sequence: LlamaContextSequence): void {
    this.#free.push(sequence);
    this.#waiting.shift()?.();
  }

  /** Removes what it keeps on disk. The context is its owner's to close. */
  async close(): Promise<void> {
    await this.#saving?.catch(() => undefined);
    await rm(this.#state, { force: true });
  }

  async #next(signal: AbortSignal | undefined): Promise<LlamaContextSequence> {
    for (;;) {
      if (signal?.aborted) throw new QuernError('ABORTED', 'stopped on request');
      const free = this.#free.shift();
      if (free) return free;
      if (this.#context.sequencesLeft > 0) return this.#context.getSequence();
      await this.#turn(signal);
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const ready = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        const place = this.#waiting.indexOf(ready);
        if (place >= 0) this.#waiting.splice(place, 1);
        resolve();
      };
      this.#waiting.push(ready);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  async #toPrefix(sequence: LlamaContextSequence): Promise<void> {
    const prefix = this.#prefix;
    const { nextTokenIndex } = sequence;
    if (nextTokenIndex >= prefix.length) {
      const excess = { start: prefix.length, end: nextTokenIndex };
      if (nextTokenIndex > prefix.length) await sequence.eraseContextTokenRanges([excess]);
      if (sequence.nextTokenIndex === prefix.length) return;
    }
    await sequence.clearHistory();
    if (this.#context.totalSequences === 1) {
      await sequence.evaluateWithoutGeneratingNewTokens([...prefix]);
      return;
    }
    while (!this.#isSaved && this.#saving) await this.#saving.catch(() => undefined);
    if (this.#isSaved) {
      await sequence.loadStateFromFile(this.#state, { acceptRisk: true });
      return;
    }
    this.#saving = this.#save(sequence);
    await this.#saving;
  }

  async #save(sequence: LlamaContextSequence): Promise<void> {
    try {
      await sequence.evaluateWithoutGeneratingNewTokens([...this.#prefix]);
      await sequence.saveStateToFile(this.#state);
      this.#isSaved = true;
    } finally {
      this.#saving = undefined;
    }
  }
}
