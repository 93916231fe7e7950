/** Options that a caller gives by name. */
import { LibTorchError } from './errors.ts';

/**
 * The options of `what`, none where undefined. Throws `BAD_ARGUMENT` for what is no object, and for names other than `names`: a
 * misspelt option would otherwise be as good as none.
 */
export function optionsOf<T extends object>(
  options: T | undefined,
  what: string,
  names: readonly (keyof T & string)[],
): T {
  if (options === undefined) return {} as T;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new LibTorchError('BAD_ARGUMENT', `${what}: its options are an object, such as { ${names[0]}: … }`);
  }
  for (const name in options) {
    if (!(names as readonly string[]).includes(name)) {
      throw new LibTorchError('BAD_ARGUMENT', `${what}: there is no option ${JSON.stringify(name)}`, {
        hint: `Its options are ${names.join(', ')}`,
      });
    }
  }
  return options;
}
