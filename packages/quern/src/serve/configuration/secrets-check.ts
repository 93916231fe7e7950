import { QuernError } from '../../errors.ts';
import type { YamlFile } from '../../yaml-file.ts';

const secretKey = /^(?:token|key|api[-_]?key|secret|password|passwd|authorization|bearer)$/i;
/** A user or a password in an address. */
const login = /:\/\/[^/\s,@]*@/;

/** The keys under which things stand by names of the user's own. */
const namedSections: ReadonlySet<unknown> = new Set([
  'indexes',
  'retrievers',
  'reasoners',
  'embedders',
  'rerankers',
  'rewards',
]);

/** Throws `BAD_INPUT` at its place for a secret in a configuration, which others may read, and repeats nothing of it. */
export function checkHasNoSecret(
  value: unknown,
  place: YamlFile['place'],
  at: readonly (string | number)[] = [],
): void {
  if (typeof value === 'string' && login.test(value)) {
    throw new QuernError('BAD_INPUT', `${at.join(' › ')} has an address with a user or a password`, {
      where: place(at),
      hint: value.startsWith('opensearch:')
        ? 'They stand in OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD'
        : 'Keys stand in OPENAI_API_KEY, or in the variable that keyVariable names',
    });
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, each] of Object.entries(value)) {
    const path = [...at, Array.isArray(value) ? Number(key) : key];
    const isName = at.length === 1 && namedSections.has(at[0]);
    if (!isName && !Array.isArray(value) && secretKey.test(key)) throw secretAt(path, place);
    checkHasNoSecret(each, place, path);
  }
}

function secretAt(path: readonly (string | number)[], place: YamlFile['place']): QuernError {
  const isToken = path[0] === 'tokens' || /token/i.test(String(path.at(-1)));
  return new QuernError('BAD_INPUT', `${path.join(' › ')}: secrets do not stand in the configuration`, {
    where: place(path),
    hint: isToken
      ? 'Under tokens, give its hash, which quern serve token prints, or a file or a variable that holds it'
      : 'Name the environment variable that holds it: keyVariable',
  });
}
