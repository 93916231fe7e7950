import type { ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';

/** A reasoner around another, whose name, limits and key it keeps. */
export abstract class WrappingReasoner implements Reasoner {
  protected readonly inner: Reasoner;

  constructor(inner: Reasoner) {
    this.inner = inner;
  }

  get id(): string {
    return this.inner.id;
  }

  get parallel(): number | undefined {
    return this.inner.parallel;
  }

  get servers(): Reasoner['servers'] {
    return this.inner.servers;
  }

  get takesPassages(): boolean | undefined {
    return this.inner.takesPassages;
  }

  /** The inner reasoner's, where it has one. */
  get cacheKey(): Reasoner['cacheKey'] {
    return this.inner.cacheKey?.bind(this.inner);
  }

  abstract reason(query: string, options?: ReasonOptions): Promise<ReasonedQuery>;

  abstract stream(query: string, options?: ReasonOptions): AsyncGenerator<string, ReasonedQuery, undefined>;

  async ready(options?: Pick<ReasonOptions, 'signal'>): Promise<void> {
    await this.inner.ready?.(options);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
