/** Whether what is declared has been opened. */
export class Readiness {
  #status: 'loading' | 'ready' | 'failed' = 'loading';

  get status(): 'loading' | 'ready' | 'failed' {
    return this.#status;
  }

  /** `ready` once `work` has ended well, `failed` where it has not; then what it threw is thrown. */
  async follow(work: Promise<void>): Promise<void> {
    try {
      await work;
      this.#status = 'ready';
    } catch (error) {
      this.#status = 'failed';
      throw error;
    }
  }
}
