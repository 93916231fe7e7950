/** Listens to a long stretch of work: a build, a download, a conversion, an evaluation. */
export interface Work {
  /** Told how far it is, in the unit of its total. */
  update(done: number): void;
  stop(): void;
}

/** Told of each long stretch of work as it starts, in steps or bytes; what it returns is told how far that is. */
export type OnWork = (what: string, total: number) => Work;

/** Work that nobody listens to. */
export const silentWork: Work = { update: () => undefined, stop: () => undefined };
