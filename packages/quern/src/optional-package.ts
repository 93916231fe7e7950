import { QuernError } from './errors.ts';

/** A package that is loaded when it is first needed. Throws `MISSING_PACKAGE`, whose hint is how to install it. */
export async function optionalPackage<T>(load: () => Promise<T>, what: string, install: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new QuernError('MISSING_PACKAGE', `${what}, cannot be loaded`, {
      hint: `Install it: ${install}`,
      cause,
    });
  }
}
