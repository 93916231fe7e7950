import { QuernError } from '../errors.ts';
import { answerPlace } from './answer-text.ts';
import { failureOf } from './bounded.ts';
import { differentLanguages } from './language.ts';
import type { Cut, Enough, ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';
import { Screen, type Screened } from './screen.ts';
import { WrappingReasoner } from './wrapping-reasoner.ts';

/** What {@link ScreenedReasoner} looks for in what a model writes. */
export interface ScreenSettings {
  /** Whether a reasoned query in another language than the query is taken for a failure. Default true. */
  readonly sameLanguage?: boolean;
  /** Whether a text that goes round in circles is cut after the first round. Default true. */
  readonly cutRepetition?: boolean;
  /** Throw instead of taking a text for a failure. Default false. */
  readonly strict?: boolean;
}

/**
 * A reasoner of whose texts only the answer is kept: not what the model thinks before it, nor what comes again and again.
 * Where no answer is left, or one in another language, the reasoned query is empty with `finish: 'failed'` and the reason.
 * What was left out is in `cuts`; tokens are counted as they were spent.
 *
 * The inner reasoner is told to stop as soon as a loop is certain; where it goes on all the same, what comes of it is no
 * other. A caller's `enough` is asked about the answer alone.
 */
export class ScreenedReasoner extends WrappingReasoner {
  readonly #sameLanguage: boolean;
  readonly #cutRepetition: boolean;
  readonly #strict: boolean;

  constructor(inner: Reasoner, settings: ScreenSettings = {}) {
    super(inner);
    const { sameLanguage = true, cutRepetition = true, strict = false } = settings;
    this.#sameLanguage = sameLanguage;
    this.#cutRepetition = cutRepetition;
    this.#strict = strict;
  }

  async reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    const screen = this.#screen(options.enough);
    const reasoned = await this.inner.reason(query, withEnough(options, screen));
    return (await this.#kept(reasoned, screen, options.enough)).reasoned;
  }

  /**
   * The same, the answer in pieces as they come. Thoughts whose `<think>` stands in the prompt cannot be told from an answer
   * before their end; they are among the pieces then, and not in the text at the end.
   */
  async *stream(
    query: string,
    options: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    if (!this.inner.stream) {
      const reasoned = await this.reason(query, options);
      if (reasoned.text !== '') yield reasoned.text;
      return reasoned;
    }
    const screen = this.#screen(options.enough);
    const pieces = this.inner.stream(query, withEnough(options, screen));
    let text = '';
    let told = 0;
    try {
      for (;;) {
        const next = await pieces.next();
        if (next.done === true) {
          const { reasoned, start } = await this.#kept(next.value, screen, options.enough);
          const rest = reasoned.text.slice(Math.max(told - start, 0));
          if (rest !== '') yield rest;
          return reasoned;
        }
        text += next.value;
        if (screen.isNeeded) await screen.earlyEnd(text);
        const place = answerPlace(text);
        const end = Math.min(place?.end ?? 0, screen.early?.length ?? Infinity);
        const from = Math.max(told, place?.start ?? 0);
        if (end <= from) continue;
        told = end;
        yield text.slice(from, end);
      }
    } finally {
      // Whoever stops listening ends the generation.
      await pieces.return(undefined as never).catch(() => undefined);
    }
  }

  #screen(enough: Enough | undefined): Screen {
    return new Screen({ cutRepetition: this.#cutRepetition, enough });
  }

  /** What is kept of what the inner reasoner returns, and where that begins in its text. */
  async #kept(
    reasoned: ReasonedQuery,
    screen: Screen,
    enough: Enough | undefined,
  ): Promise<{ reasoned: ReasonedQuery; start: number }> {
    const { text, finish, weights } = reasoned;
    if (weights || finish === 'skipped' || finish === 'failed') return { reasoned, start: 0 };
    const screened = await this.#screenOf(text, screen, enough).whole(text);
    const { answer, place, early } = screened;
    const cuts = [...(reasoned.cuts ?? []), ...screened.cuts];
    if (answer === undefined || place === undefined) {
      return { reasoned: this.#failed(reasoned, cuts, noAnswer(reasoned, screened)), start: 0 };
    }
    const languages = this.#sameLanguage ? await differentLanguages(reasoned.query, answer) : undefined;
    if (languages) {
      const what = `the reasoned query is in ${languages.text}, the query in ${languages.query}`;
      return { reasoned: this.#failed(reasoned, cuts, { what }), start: 0 };
    }
    if (answer === text && !early) return { reasoned, start: 0 };
    const kept = { ...reasoned, text: answer, ...(early && { finish: 'early' as const }) };
    return { reasoned: cuts.length > 0 ? { ...kept, cuts } : kept, start: place.start };
  }

  /** The screen that saw the text come, unless what was returned is not what it saw. */
  #screenOf(text: string, screen: Screen, enough: Enough | undefined): Screen {
    const { early } = screen;
    const isOfIt = !early || text.startsWith(early.written.slice(0, early.length));
    return isOfIt ? screen : this.#screen(enough);
  }

  #failed(reasoned: ReasonedQuery, cuts: readonly Cut[], { what, hint }: Reason): ReasonedQuery {
    const error = new QuernError('BAD_REPLY', what, { where: this.id, hint });
    if (this.#strict) throw error;
    const failed = { ...reasoned, text: '', finish: 'failed' as const, failure: failureOf(error) };
    return cuts.length > 0 ? { ...failed, cuts } : failed;
  }
}

/** Why there is no reasoned query, and what can be done. */
interface Reason {
  readonly what: string;
  readonly hint?: string;
}

function noAnswer({ finish }: ReasonedQuery, { early }: Screened): Reason {
  if (early) {
    const what = `the model went round in circles while it thought: ${early.why}`;
    return { what, hint: 'Try another sample, or a higher repetition penalty' };
  }
  if (finish === 'length') {
    return { what: 'the model was still thinking at the most tokens', hint: 'Give it more tokens' };
  }
  return { what: 'the model thought, and gave no answer' };
}

/** The options for the inner reasoner, which ends its text where the screen says. */
function withEnough(options: ReasonOptions, screen: Screen): ReasonOptions {
  return screen.isNeeded ? { ...options, enough: (text) => screen.earlyEnd(text) } : options;
}
