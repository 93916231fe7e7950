import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import { throwIfAborted } from '../../errors.ts';
import { Slots } from '../../slots.ts';

/** A sequence, and what gives it back. */
export interface TakenSequence {
  readonly sequence: LlamaContextSequence;
  readonly give: () => void;
}

/**
 * The sequences of a context, each of which always begins with the same tokens: the first sequence evaluates them once, and
 * the others load its state. A call gets a sequence that holds those tokens and nothing else, so that what was asked before
 * cannot change in which batches its prompt is evaluated, on which its last bits depend.
 */
export class LlamaSequences {
  readonly #context: LlamaContext;
  readonly #prefix: readonly Token[];
  readonly #slots: Slots;
  readonly #free: LlamaContextSequence[] = [];
  #prepared: Promise<void> | undefined;

  constructor(context: LlamaContext, prefix: readonly Token[]) {
    this.#context = context;
    this.#prefix = prefix;
    this.#slots = new Slots(context.totalSequences);
  }

  /**
   * A sequence that holds the common tokens, as soon as one is free; calls get theirs in their order. It must be given back
   * in the end. Throws `ABORTED` when `signal` aborts while it waits.
   */
  async take(signal: AbortSignal): Promise<TakenSequence> {
    const leave = await this.#slots.take(signal);
    let sequence: LlamaContextSequence | undefined;
    const give = (): void => {
      if (sequence) this.#free.push(sequence);
      leave();
    };
    try {
      await this.#preparation();
      throwIfAborted(signal);
      sequence = this.#free.shift()!;
      await this.#toPrefix(sequence);
      return { sequence, give };
    } catch (error) {
      give();
      throw error;
    }
  }

  /** Evaluates the common tokens once; again where that failed. */
  #preparation(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  async #prepare(): Promise<void> {
    while (this.#context.sequencesLeft > 0) this.#free.push(this.#context.getSequence());
    const [first, ...others] = this.#free;
    await this.#toPrefix(first);
    if (others.length === 0) return;
    // llama.cpp hands a sequence's state over in a file only. Where that cannot be, each evaluates the tokens itself.
    const state = join(tmpdir(), `quern-prefix-${process.pid}-${randomBytes(6).toString('hex')}`);
    try {
      await first.saveStateToFile(state);
      for (const each of others) await each.loadStateFromFile(state, { acceptRisk: true });
    } catch {
      for (const each of others) await each.clearHistory();
    } finally {
      await rm(state, { force: true }).catch(() => undefined);
    }
  }

  async #toPrefix(sequence: LlamaContextSequence): Promise<void> {
    const { length } = this.#prefix;
    const { nextTokenIndex } = sequence;
    if (nextTokenIndex > length)
      await sequence.eraseContextTokenRanges([{ start: length, end: nextTokenIndex }]);
    if (sequence.nextTokenIndex === length) return;
    // New, or of an architecture that can only forget everything.
    await sequence.clearHistory();
    await sequence.evaluateWithoutGeneratingNewTokens([...this.#prefix]);
  }
}
