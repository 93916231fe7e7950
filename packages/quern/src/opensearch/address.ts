import { QuernError } from '../errors.ts';

/** The index and the cluster that a name `opensearch:INDEX@URL` stands for. */
export interface OpenSearchAddress {
  readonly index: string;
  /** Nodes of the cluster, without user and password, and without a slash at their ends. */
  readonly urls: readonly string[];
  readonly user?: string;
  /** Never to be shown. */
  readonly password?: string;
  /** The name, without user and password: what is shown and recorded. */
  readonly name: string;
}

const hint =
  'It reads like opensearch:my-corpus@https://search.example.org:9200, or @URL,URL for several nodes';

/** Whether a name of an index means one of an OpenSearch cluster; others are folders (`./opensearch:…`, too). */
export function isOpenSearchName(name: string): boolean {
  return name.startsWith('opensearch:');
}

/**
 * What `opensearch:INDEX@URL` names, or `opensearch:INDEX@URL,URL,…` for several nodes of one cluster, of which any may be down.
 * User and password are the first URL's that has them, percent-encoded, else `OPENSEARCH_USERNAME` and `OPENSEARCH_PASSWORD` of
 * the environment. Throws `USAGE` for what is no such name, repeating nothing of it that may hold a password.
 */
export function openSearchAddress(name: string, env: NodeJS.ProcessEnv = process.env): OpenSearchAddress {
  const parts = /^opensearch:(.*?)@(https?:\/\/.*)$/isu.exec(name);
  if (!parts) throw refused(isOpenSearchName(name) ? 'has no @http:// or @https://' : 'is no opensearch:…');
  const [, index, list] = parts;
  checkIndexName(index);
  const urls = list.split(',').map(parsedUrl);
  const known = urls.filter(({ username, password }) => username !== '' || password !== '');
  const logins = new Set(known.map(({ username, password }) => `${username}:${password}`));
  if (logins.size > 1) throw refused('has URLs of several users');
  const plain = urls.map(withoutLogin);
  const login =
    known.length > 0
      ? { user: decoded(known[0].username), password: decoded(known[0].password) }
      : loginOf(env);
  return { index, urls: plain, ...login, name: `opensearch:${index}@${plain.join(',')}` };
}

function loginOf({
  OPENSEARCH_USERNAME: user = '',
  OPENSEARCH_PASSWORD: password = '',
}: NodeJS.ProcessEnv): Pick<OpenSearchAddress, 'user' | 'password'> {
  return user === '' ? {} : { user, password };
}

/** Throws `USAGE` unless OpenSearch takes the name for one index: no pattern, no list, no path. */
function checkIndexName(index: string): void {
  const isUsable =
    index !== '' &&
    Buffer.byteLength(index) <= 255 &&
    index === index.toLowerCase() &&
    !/^[-_+.]|[\s\\/*?"<>|,#:@%]|\p{Cc}/u.test(index);
  if (isUsable) return;
  throw new QuernError('USAGE', `the index ${JSON.stringify(index.slice(0, 80))} cannot be called so`, {
    where: 'opensearch:INDEX@URL',
    hint: 'Small letters, digits, - and _, not beginning with -, _, + or a dot',
  });
}

function parsedUrl(text: string): URL {
  if (/\s|\p{Cc}/u.test(text) || !URL.canParse(text)) throw refused('has a URL that is none');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('has a URL that is not HTTP');
  if (text.includes('?') || text.includes('#')) throw refused('has a URL with a query or a fragment');
  return url;
}

function withoutLogin(url: URL): string {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain.href.replace(/\/+$/, '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('has a user or a password that is not percent-encoded');
  }
}

function refused(what: string): QuernError {
  return new QuernError('USAGE', `the name ${what}`, { where: 'opensearch:INDEX@URL', hint });
}
