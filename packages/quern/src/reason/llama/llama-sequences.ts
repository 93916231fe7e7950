import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import { throwIfAborted } from '../../errors.ts';

/**
 * The sequences of a context, each of which always begins with the same tokens: the first sequence evaluates them once, and
 * the others load its state. A call gets a sequence that holds those tokens and nothing else, so that what was asked before
 * cannot change in which batches its prompt is evaluated, on which its last bits depend.
 */
export class LlamaSequences {
  readonly #context: LlamaContext;
  readonly #prefix: readonly Token[];
  #prepared: Promise<void> | undefined;
  readonly #free: LlamaContextSequence[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(context: LlamaContext, prefix: readonly Token[]) {
    this.#context = context;
    this.#prefix = prefix;
  }

  /**
   * A sequence that holds the common tokens, as soon as one is free; calls are served in their order. It must be handed to
   * {@link give} in the end. Throws `ABORTED` when `signal` aborts while it waits.
   */
  async take(signal?: AbortSignal): Promise<LlamaContextSequence> {
    this.#prepared ??= this.#prepare();
    await this.#prepared;
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

  async #prepare(): Promise<void> {
    const sequences = Array.from({ length: this.#context.totalSequences }, () => this.#context.getSequence());
    const [first, ...others] = sequences;
    await first.evaluateWithoutGeneratingNewTokens([...this.#prefix]);
    if (others.length > 0) {
      // llama.cpp hands a sequence's state over in a file only.
      const state = join(tmpdir(), `quern-prefix-${process.pid}-${randomBytes(6).toString('hex')}`);
      try {
        await first.saveStateToFile(state);
        for (const each of others) await each.loadStateFromFile(state, { acceptRisk: true });
      } finally {
        await rm(state, { force: true });
      }
    }
    this.#free.push(...sequences);
  }

  async #next(signal: AbortSignal | undefined): Promise<LlamaContextSequence> {
    for (;;) {
      throwIfAborted(signal);
      const free = this.#free.shift();
      if (free) return free;
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
    const { length } = this.#prefix;
    const { nextTokenIndex } = sequence;
    if (nextTokenIndex > length)
      await sequence.eraseContextTokenRanges([{ start: length, end: nextTokenIndex }]);
    if (sequence.nextTokenIndex === length) return;
    // Some architectures can only forget everything.
    await sequence.clearHistory();
    await sequence.evaluateWithoutGeneratingNewTokens([...this.#prefix]);
  }
}
