import { textPieces } from '../../reason/text-pieces.ts';
import type { ReasonedQuery, Reasoner, ReasonOptions } from '../../reason/reasoner.ts';
import { WrappingReasoner } from '../../reason/wrapping-reasoner.ts';
import type { Admission } from './admission.ts';

/** A language model that generates when there is a place for it. Throws `OVERLOADED` where there is none in time. */
export class AdmittedReasoner extends WrappingReasoner {
  readonly #admission: Admission;

  constructor(inner: Reasoner, admission: Admission) {
    super(inner);
    this.#admission = admission;
  }

  reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    return this.#admission.run(() => this.inner.reason(query, options), options.signal);
  }

  async *stream(
    query: string,
    options: ReasonOptions = {},
  ): AsyncGenerator<string, ReasonedQuery, undefined> {
    const leave = await this.#admission.take(options.signal);
    try {
      return yield* textPieces(this.inner, query, options);
    } finally {
      leave();
    }
  }
}
