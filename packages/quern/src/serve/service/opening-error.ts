import { QuernError } from '../../errors.ts';

/** What `work` resolves to. Whoever starts a service is told in full what cannot be opened, and under which key it is declared. */
export async function orInFull<T>(work: Promise<T>, key: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof QuernError)) throw error;
    // That something is unavailable is what requests are told; what it is made of says why.
    const cause = error.code === 'UNAVAILABLE' && error.cause instanceof QuernError ? error.cause : error;
    const { code, what, where, hint } = cause;
    throw new QuernError(code, where === undefined ? what : `${where}: ${what}`, { where: key, hint, cause });
  }
}
