import type { Reasoner, ReasonedQuery, ReasonOptions } from '../../reason/reasoner.ts';
import { SeveralReasoner } from '../../reason/several.ts';
import { WrappingReasoner } from '../../reason/wrapping-reasoner.ts';

/** Told all of a text so far, each time that there is more of it; `part` is its place among those of several reasoners. */
export type TellText = (text: string, part: number) => void;

/** A reasoner whose text is told while it comes. */
export function toldReasoner(reasoner: Reasoner, tell: TellText): Reasoner {
  const { id, members } = reasoner;
  if (!members) return new ToldReasoner(reasoner, tell, 0);
  const told = members.map((each, part) => ({
    ...each,
    reasoner: new ToldReasoner(each.reasoner, tell, part),
  }));
  return new SeveralReasoner(id, told);
}

/** One of them: `enough` is shown all text as it comes, and is where it is told. */
class ToldReasoner extends WrappingReasoner {
  readonly #tell: TellText;
  readonly #part: number;

  constructor(inner: Reasoner, tell: TellText, part: number) {
    super(inner);
    this.#tell = tell;
    this.#part = part;
  }

  reason(query: string, options?: ReasonOptions): Promise<ReasonedQuery> {
    return this.inner.reason(query, this.#told(options));
  }

  async *stream(query: string, options?: ReasonOptions): AsyncGenerator<string, ReasonedQuery, undefined> {
    if (this.inner.stream) return yield* this.inner.stream(query, this.#told(options));
    return await this.reason(query, options);
  }

  #told(options: ReasonOptions = {}): ReasonOptions {
    const enough = (text: string) => {
      this.#tell(text, this.#part);
      return options.enough?.(text);
    };
    return { ...options, enough };
  }
}
