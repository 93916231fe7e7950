/**
 * Completions of prompts, many at a time. The prompt of a group is evaluated once; each of its completions then has a row of
 * the cache. A row whose completion has ended is given to the next that waits. Each completion draws from its own random stream.
 */
import { noGrad, sample, scope, tensor, zeros, type Tensor } from '@quern/libtorch';
import { QuernError } from '../../errors.ts';
import { KeyValueCache } from './key-value-cache.ts';
import type { LayerState, Qwen2Model } from './qwen2-model.ts';
import {
  checkedRequest,
  checkedSettings,
  type CheckedSettings,
  type TokenCompletion,
  type TokenGeneratorSettings,
  type TokenRequest,
} from './token-requests.ts';
import { quernError } from './torch-error.ts';

/** What was computed so far. */
export interface GenerationWork {
  /** Prompt tokens that went through the model. */
  readonly promptTokens: number;
  /** Steps of all rows at once. */
  readonly steps: number;
  /** Rows, summed over the steps: tokens that went through the model. */
  readonly rowSteps: number;
}

/** A token that was drawn. */
interface Drawn {
  readonly token: number;
  readonly logProbability: number;
  readonly drawnLogProbability: number;
}

/** A completion under way. */
interface Row {
  readonly group: Group;
  readonly index: number;
  readonly seed: number;
  readonly tokens: number[];
  readonly logProbabilities: number[];
  readonly drawnLogProbabilities: number[];
}

interface Group {
  readonly request: TokenRequest;
  readonly done: (TokenCompletion | undefined)[];
  readonly resolve: (completions: TokenCompletion[]) => void;
  readonly reject: (error: unknown) => void;
  /** The next completion that has no row yet. */
  next: number;
  /** The prompt's state, as long as completions still have to begin. */
  prompt?: { readonly states: readonly LayerState[]; readonly logits: Tensor; readonly used?: Tensor };
  isOver: boolean;
}

/** Generates with one model; calls come in at any time and share its steps. */
export class TokenGenerator {
  readonly #model: Qwen2Model;
  readonly #settings: CheckedSettings;
  readonly #ends: ReadonlySet<number>;
  readonly #cache: KeyValueCache;
  /** In the order of the cache's rows. */
  readonly #rows: Row[] = [];
  readonly #waiting: Group[] = [];
  /** (rows, vocabulary) of uint8: the tokens of prompt and completion; undefined without a repetition penalty. */
  #used: Tensor | undefined;
  #loop: Promise<void> | undefined;
  #isClosed = false;
  readonly #work = { promptTokens: 0, steps: 0, rowSteps: 0 };

  /** The model's weights must stay as they are while calls are under way. Throws `USAGE` for settings that cannot be. */
  constructor(model: Qwen2Model, settings: TokenGeneratorSettings) {
    this.#model = model;
    this.#settings = checkedSettings(settings, model.config);
    this.#ends = new Set(this.#settings.endTokens);
    const { layers, keyValueHeads } = model.config;
    const shape = { layers, keyValueHeads, headSize: model.headSize, rows: this.#settings.rows };
    this.#cache = new KeyValueCache(shape, model.placement);
  }

  get work(): GenerationWork {
    return { ...this.#work };
  }

  /**
   * The completions of a prompt, in the order of its seeds. What goes wrong with one call leaves the others alone, but for a
   * machine whose memory is used up. Throws `BAD_INPUT` for a prompt that is empty, too long or has tokens that the model has
   * not and for seeds that are no whole numbers, `ABORTED`, `OUT_OF_MEMORY`, `BAD_REPLY` where the model computes NaN, and what
   * `onToken` throws.
   */
  async generate(given: TokenRequest): Promise<TokenCompletion[]> {
    const request = checkedRequest(given, this.#settings, this.#model.config);
    if (this.#isClosed) throw new QuernError('ABORTED', 'the generator was closed');
    if (request.seeds.length === 0) return [];
    return new Promise((resolve, reject) => {
      const done = request.seeds.map(() => undefined);
      this.#waiting.push({ request, done, resolve, reject, next: 0, isOver: false });
      this.#loop ??= this.#run();
    });
  }

  /** Ends what is under way with `ABORTED`, and frees the cache; the model is the caller's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loop;
    this.#cache.dispose();
    this.#used?.dispose();
    this.#used = undefined;
  }

  /** Works until nothing is left to do. */
  async #run(): Promise<void> {
    try {
      for (;;) {
        this.#dropEnded();
        await this.#admit();
        this.#dropEnded();
        if (this.#rows.length === 0) {
          if (this.#waiting.length > 0) continue;
          // In one go with the look at what waits: who comes next must find no loop that is about to end.
          this.#loop = undefined;
          return;
        }
        scope(() => noGrad(() => this.#step()));
        // Signals, timers and other calls come in between.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      this.#loop = undefined;
      this.#failAll(quernError(error));
    }
  }

  /** Takes out what nobody waits for any more, and what is to end now. */
  #dropEnded(): void {
    const groups = new Set([...this.#rows.map(({ group }) => group), ...this.#waiting]);
    for (const group of groups) {
      const { signal, ending } = group.request;
      if (this.#isClosed || signal?.aborted) {
        this.#fail(group, new QuernError('ABORTED', 'stopped on request'));
      } else if (ending?.aborted) this.#endEarly(group);
    }
  }

  #endEarly(group: Group): void {
    for (let i = this.#rows.length - 1; i >= 0; i--) {
      if (this.#rows[i].group === group) this.#finish(i, 'early');
    }
    for (let i = 0; i < group.done.length; i++) {
      group.done[i] ??= { tokens: [], logProbabilities: [], drawnLogProbabilities: [], finish: 'early' };
    }
    this.#conclude(group);
  }

  /** Gives rows to what waits, as long as there are any; their first tokens are drawn. */
  async #admit(): Promise<void> {
    while (this.#waiting.length > 0 && this.#rows.length < this.#settings.rows) {
      const group = this.#waiting[0];
      if (!group.prompt) {
        try {
          await this.#evaluate(group);
        } catch (error) {
          this.#fail(group, quernError(error));
        }
        // It may have been given up meanwhile.
        this.#dropEnded();
        continue;
      }
      const { seeds } = group.request;
      const free = this.#settings.rows - this.#rows.length;
      const count = Math.min(free, seeds.length - group.next);
      try {
        scope(() => noGrad(() => this.#begin(group, count)));
      } catch (error) {
        this.#dropRowsBeyond(this.#rows.length);
        this.#fail(group, quernError(error));
        continue;
      }
      if (group.isOver) continue;
      if (group.next === seeds.length) {
        this.#waiting.shift();
        forgetPrompt(group);
      }
    }
  }

  /** Sends a prompt through the model, part by part. */
  async #evaluate(group: Group): Promise<void> {
    const { prompt, signal, ending } = group.request;
    const { promptChunk } = this.#settings;
    const { vocabularySize } = this.#model.config;
    const { device } = this.#model.placement;
    let states: LayerState[] = [];
    try {
      for (let from = 0; from < prompt.length; from += promptChunk) {
        if (this.#isClosed || signal?.aborted || ending?.aborted) {
          disposeStates(states);
          return;
        }
        const part = prompt.slice(from, from + promptChunk);
        const isLast = from + part.length === prompt.length;
        const before = states;
        const after = scope(() =>
          noGrad(() => {
            const next = this.#model.hiddenAfter(tokenRow(part, device), before);
            const last = next.hidden.narrow(1, part.length - 1, 1);
            return {
              states: next.states.map(({ keys, values }) => ({ keys: keys.keep(), values: values.keep() })),
              logits: isLast ? this.#model.logits(last).view([1, vocabularySize]).keep() : undefined,
            };
          }),
        );
        disposeStates(before);
        states = after.states;
        this.#work.promptTokens += part.length;
        if (after.logits) group.prompt = { states, logits: after.logits, used: this.#usedBy(prompt) };
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      disposeStates(states);
      throw error;
    }
  }

  /** Which tokens a prompt has. Shape: (1, vocabulary). */
  #usedBy(prompt: readonly number[]): Tensor | undefined {
    if (this.#settings.sampling.repetitionPenalty === 1) return undefined;
    const { device } = this.#model.placement;
    return scope(() =>
      zeros([1, this.#model.config.vocabularySize], { dtype: 'uint8', device })
        .scatter_(1, tokenRow(prompt, device), 1)
        .keep(),
    );
  }

  #begin(group: Group, count: number): void {
    const { states, logits, used } = group.prompt!;
    const { length } = group.request.prompt;
    const most = length + this.#settings.sampling.maxTokens;
    const first = this.#cache.addRows(states, { length, count, most });
    if (used) this.#usedRows().narrow(0, first, count).copy_(used);
    for (let i = 0; i < count; i++) {
      const index = group.next++;
      this.#rows.push({
        group,
        index,
        seed: group.request.seeds[index],
        tokens: [],
        logProbabilities: [],
        drawnLogProbabilities: [],
      });
    }
    this.#draw(logits.expand([count, -1]), first);
  }

  #usedRows(): Tensor {
    const { vocabularySize } = this.#model.config;
    this.#used ??= zeros([this.#settings.rows, vocabularySize], {
      dtype: 'uint8',
      device: this.#model.placement.device,
    }).keep();
    return this.#used;
  }

  /** One more token for every row. */
  #step(): void {
    const rows = this.#rows.length;
    const last = this.#rows.map(({ tokens }) => tokens[tokens.length - 1]);
    const logits = this.#model.logitsOfNext(tokenRow(last, this.#model.placement.device).t(), this.#cache);
    this.#work.steps++;
    this.#work.rowSteps += rows;
    this.#draw(logits, 0);
  }

  /** Draws a token for each row of `logits`, the rows from `first` on, and takes out those that ended. */
  #draw(logits: Tensor, first: number): void {
    const { maxTokens } = this.#settings.sampling;
    const rows = this.#rows.slice(first);
    const drawn = this.#drawn(logits, rows, first);
    this.#mark(drawn, first);
    const failed = new Map<Group, unknown>();
    for (const [i, row] of rows.entries()) {
      const each = drawn[i];
      if ('error' in each) {
        failed.set(row.group, each.error);
        continue;
      }
      row.tokens.push(each.token);
      row.logProbabilities.push(each.logProbability);
      row.drawnLogProbabilities.push(each.drawnLogProbability);
      try {
        row.group.request.onToken?.(row.index, each.token);
      } catch (error) {
        failed.set(row.group, error);
      }
    }
    // From the end, as the last row moves to the place of one that is taken out.
    for (let i = rows.length - 1; i >= 0; i--) {
      const { tokens, group } = rows[i];
      if (failed.has(group)) continue;
      if (this.#ends.has(tokens[tokens.length - 1])) this.#finish(first + i, 'stop');
      else if (tokens.length >= maxTokens) this.#finish(first + i, 'length');
    }
    for (const [group, error] of failed) this.#fail(group, error);
  }

  /** What is drawn for each row; an error for one whose logits hold NaN. */
  #drawn(logits: Tensor, rows: readonly Row[], first: number): (Drawn | { readonly error: unknown })[] {
    try {
      return this.#sampled(logits, rows, first);
    } catch (error) {
      if (rows.length === 1) return [{ error: quernError(error) }];
      // Draws do not depend on the batch: each row alone tells which of them cannot be drawn.
      return rows.flatMap((row, i) => this.#drawn(logits.narrow(0, i, 1), [row], first + i));
    }
  }

  #sampled(logits: Tensor, rows: readonly Row[], first: number): Drawn[] {
    const { temperature, topK, topP, repetitionPenalty } = this.#settings.sampling;
    const { tokens, logProbabilities, drawnLogProbabilities } = sample(logits, {
      temperature,
      topK,
      topP,
      repetitionPenalty,
      used: repetitionPenalty === 1 ? undefined : this.#usedRows().narrow(0, first, rows.length),
      seeds: rows.map(({ seed }) => seed),
      positions: rows.map((row) => row.tokens.length),
    });
    return rows.map((_, i) => ({
      token: tokens[i],
      logProbability: logProbabilities[i],
      drawnLogProbability: drawnLogProbabilities[i],
    }));
  }

  /** Marks what was drawn for the repetition penalty. */
  #mark(drawn: readonly (Drawn | { readonly error: unknown })[], first: number): void {
    if (this.#settings.sampling.repetitionPenalty === 1) return;
    const tokens = drawn.map((each) => ('error' in each ? 0 : each.token));
    this.#usedRows()
      .narrow(0, first, drawn.length)
      .scatter_(1, tokenRow(tokens, this.#model.placement.device).t(), 1);
  }

  /** Ends the completion of a row, whose place the last row takes. */
  #finish(at: number, finish: TokenCompletion['finish']): void {
    const { group, index, tokens, logProbabilities, drawnLogProbabilities } = this.#rows[at];
    group.done[index] = { tokens, logProbabilities, drawnLogProbabilities, finish };
    this.#removeRow(at);
    if (group.done.every((completion) => completion !== undefined)) this.#conclude(group);
  }

  /** Gives up rows of the cache that no completion has. */
  #dropRowsBeyond(count: number): void {
    while (this.#cache.lengths.length > count) this.#cache.removeRow(this.#cache.lengths.length - 1);
  }

  #removeRow(at: number): void {
    const last = this.#rows.length - 1;
    this.#cache.removeRow(at);
    const used = this.#used;
    if (used && at !== last) scope(() => void used.narrow(0, at, 1).copy_(used.narrow(0, last, 1)));
    this.#rows[at] = this.#rows[last];
    this.#rows.pop();
  }

  #conclude(group: Group): void {
    this.#leave(group);
    group.resolve(group.done as TokenCompletion[]);
  }

  #fail(group: Group, error: unknown): void {
    if (group.isOver) return;
    for (let i = this.#rows.length - 1; i >= 0; i--) if (this.#rows[i].group === group) this.#removeRow(i);
    this.#leave(group);
    group.reject(error);
  }

  #leave(group: Group): void {
    group.isOver = true;
    const at = this.#waiting.indexOf(group);
    if (at >= 0) this.#waiting.splice(at, 1);
    forgetPrompt(group);
  }

  #failAll(error: unknown): void {
    const groups = new Set([...this.#rows.map(({ group }) => group), ...this.#waiting]);
    this.#rows.length = 0;
    this.#cache.dispose();
    for (const group of groups) this.#fail(group, error);
  }
}

function forgetPrompt(group: Group): void {
  if (!group.prompt) return;
  disposeStates(group.prompt.states);
  group.prompt.logits.dispose();
  group.prompt.used?.dispose();
  group.prompt = undefined;
}

function disposeStates(states: readonly LayerState[]): void {
  for (const { keys, values } of states) {
    keys.dispose();
    values.dispose();
  }
}

/** Shape: (1, tokens). */
function tokenRow(tokens: readonly number[], device: string): Tensor {
  return tensor(BigInt64Array.from(tokens, BigInt), { shape: [1, tokens.length], device });
}
