import { answerPlace, thoughtsOf, type AnswerPlace } from './answer-text.ts';
import type { Cut, Enough, TextEnd } from './reasoner.ts';
import { LoopSearch, type Loop } from './repetition.ts';

/** Where a text is to end before its own end. */
export interface EarlyEnd {
  readonly kind: 'stable' | 'repeated';
  /** Characters of the text that are kept, thoughts included. */
  readonly length: number;
  readonly why: string;
  /** Where the answer begins; undefined where the text ends within its thoughts. */
  readonly start: number | undefined;
  /** The text, as far as it had been written. */
  readonly written: string;
}

/** What a screen finds in a whole text. */
export interface Screened {
  /** The answer; undefined where there is none. */
  readonly answer: string | undefined;
  /** Where it begins and ends in the text. */
  readonly place: AnswerPlace | undefined;
  readonly early: EarlyEnd | undefined;
  readonly cuts: readonly Cut[];
}

/**
 * Looks at one text while it comes: where its answer is, and whether it is to end early, which is once and for all. What is
 * decided depends on the text alone, not on the pieces that it came in.
 */
export class Screen {
  /** Where the text ends early, once that is decided. */
  early: EarlyEnd | undefined;
  readonly #cutRepetition: boolean;
  readonly #enough: Enough | undefined;
  /** What `enough` said of an answer, by where it begins and ends: one that has not grown is not asked about again. */
  readonly #asked = new Map<string, Promise<TextEnd | undefined>>();
  /** What was looked for loops so far. */
  #seen = '';
  #thoughts = new LoopSearch();
  #answer: { readonly start: number; readonly search: LoopSearch } | undefined;

  /** `enough` is asked about the answer so far. */
  constructor(settings: { readonly cutRepetition: boolean; readonly enough?: Enough }) {
    this.#cutRepetition = settings.cutRepetition;
    this.#enough = settings.enough;
  }

  /** Whether a text can end early at all. */
  get isNeeded(): boolean {
    return this.#cutRepetition || this.#enough !== undefined;
  }

  /** Where the text ends early, having come so far. */
  async earlyEnd(text: string): Promise<EarlyEnd | undefined> {
    return this.early ?? this.#decide(text, false);
  }

  /** What is found in the whole text, which may have been cut where it was to end early. */
  async whole(text: string): Promise<Screened> {
    const early = this.early ?? (await this.#decide(text, true));
    const whole = answerPlace(text, { isWhole: true });
    const place = early ? early.start !== undefined && { start: early.start, end: early.length } : whole;
    if (!place) return { answer: undefined, place: undefined, early, cuts: thoughtCuts(text) };
    const written = early && early.written.length > text.length ? early.written : text;
    const after = early
      ? []
      : thoughtCuts(text.slice(place.end).replace('</answer>', ''), 'it went on after its answer');
    return {
      answer: text.slice(place.start, place.end),
      place,
      early,
      cuts: [
        ...thoughtCuts(text.slice(0, place.start)),
        ...(early ? [{ kind: early.kind, why: early.why, text: written.slice(early.length) }] : []),
        ...after,
      ],
    };
  }

  async #decide(text: string, isWhole: boolean): Promise<EarlyEnd | undefined> {
    this.#begin(text);
    const loop = this.#cutRepetition ? this.#loop(text, isWhole) : undefined;
    // Whoever asks later is told of no more than who saw the loop at once.
    const seen = loop ? text.slice(0, loop.seen) : text;
    const place = answerPlace(seen, { isWhole: isWhole && !loop });
    const answer = place && seen.slice(place.start, place.end);
    const enough = place && answer ? await this.#isEnough(place, answer) : undefined;
    if (this.early) return this.early;
    if (place && answer && enough) {
      const length = place.start + Math.min(Math.max(enough.length, 0), answer.length);
      this.early = { kind: 'stable', length, why: enough.why, start: place.start, written: text };
    } else if (loop) {
      this.early = {
        kind: 'repeated',
        length: loop.end,
        why: `the same ${counted(loop.period, 'word')} came ${copies(loop)} times`,
        start: place?.start,
        written: text,
      };
    }
    return this.early;
  }

  /** Begins anew where the text does: where one server broke off in the middle of it, another may write another one. */
  #begin(text: string): void {
    if (text.startsWith(this.#seen)) this.#seen = text;
    else if (!this.#seen.startsWith(text)) {
      this.#seen = text;
      this.#asked.clear();
      this.#thoughts = new LoopSearch();
      this.#answer = undefined;
    }
  }

  #isEnough({ start, end }: AnswerPlace, answer: string): Promise<TextEnd | undefined> | undefined {
    const enough = this.#enough;
    if (!enough) return undefined;
    const place = `${start} ${end}`;
    let asked = this.#asked.get(place);
    if (!asked) {
      asked = (async () => enough(answer))();
      this.#asked.set(place, asked);
    }
    return asked;
  }

  /** The first loop of the thoughts, or else of the answer: what comes again in both of them is none. */
  #loop(text: string, isWhole: boolean): Loop | undefined {
    const place = answerPlace(text, { isWhole });
    if (place?.start !== 0) {
      const loop = this.#thoughts.in(text.slice(0, place?.start), {
        isWhole: isWhole || place !== undefined,
      });
      if (loop || !place) return loop;
    }
    if (this.#answer?.start !== place.start) {
      this.#answer = { start: place.start, search: new LoopSearch(place.start) };
    }
    return this.#answer.search.in(text.slice(0, place.end), { isWhole });
  }
}

function thoughtCuts(text: string, why = 'it thought before its answer'): Cut[] {
  const thoughts = thoughtsOf(text);
  return thoughts === '' ? [] : [{ kind: 'thought', why, text: thoughts }];
}

function copies({ period, repeated }: Loop): number {
  return Math.floor(repeated / period) + 1;
}

function counted(count: number, noun: string): string {
  return count === 1 ? noun : `${count} ${noun}s`;
}
