import { QuernError } from '../../errors.ts';

/** The model and the server that a name `openai:MODEL@BASE_URL` stands for. */
export interface OpenAiAddress {
  readonly model: string;
  /** Without a slash at its end, e.g. `http://localhost:8000/v1`. */
  readonly baseUrl: string;
  /** The name in full, `openai:MODEL@BASE_URL`, wherever the base URL was told. */
  readonly name: string;
}

const PUBLISHED_URL = 'https://api.openai.com/v1';

/**
 * What `openai:MODEL@BASE_URL` names. The URL starts at the last `@http://` or `@https://`, so that a model's name can
 * hold `/`, `:` and `@`; without one it is `OPENAI_BASE_URL` of the environment, else OpenAI's own. Throws `USAGE`, and
 * repeats nothing of the name, for a URL with a password, a query or a fragment, and for anything but HTTP.
 */
export function openAiAddress(name: string, env: NodeJS.ProcessEnv): OpenAiAddress {
  return serverAddress('openai', name, () =>
    checkedUrl(env.OPENAI_BASE_URL || PUBLISHED_URL, 'OPENAI_BASE_URL'),
  );
}

/**
 * The names `openai:MODEL@URL` of the servers in a name `openai:MODEL@URL,URL…`, as they are written there; the name itself
 * where it names one server or none.
 */
export function serverNames(name: string): string[] {
  const [first, ...urls] = name.split(/,(?=https?:\/\/)/i);
  const at = first.search(/@https?:\/\/(?!.*@https?:\/\/)/is);
  return at === -1 ? [name] : [first, ...urls.map((url) => `${first.slice(0, at)}@${url}`)];
}

/** {@link openAiAddress} of each of the {@link serverNames}. Throws `USAGE` as that does, and where two are the same server. */
export function openAiAddresses(name: string, env: NodeJS.ProcessEnv): OpenAiAddress[] {
  const all = serverNames(name).map((one) => openAiAddress(one, env));
  const twice = all.find(({ baseUrl }, i) => all.findIndex((other) => other.baseUrl === baseUrl) < i);
  if (!twice) return all;
  throw new QuernError('USAGE', 'the name has this server twice', { where: twice.name });
}

/** {@link openAiAddress} of a name `KIND:MODEL@BASE_URL`; what lacks the URL has `otherwise`, which may throw. */
export function serverAddress(kind: string, name: string, otherwise?: () => string): OpenAiAddress {
  const unusable = (what: string): QuernError =>
    new QuernError('USAGE', `the name ${what}`, {
      hint: `It reads like ${kind}:tongsearch-qr-7b@http://localhost:8000/v1`,
    });
  if (!name.startsWith(`${kind}:`)) throw unusable(`does not start with ${kind}:`);
  const rest = name.slice(kind.length + 1);
  const at = Math.max(
    rest.toLowerCase().lastIndexOf('@http://'),
    rest.toLowerCase().lastIndexOf('@https://'),
  );
  const model = at === -1 ? rest : rest.slice(0, at);
  if (model.trim() === '' || hasControlCharacters(model)) throw unusable('has no model');
  if (/@[a-z][a-z0-9+.-]*:\/\//i.test(model)) throw unusable('has a base URL that is not HTTP, or two');
  if (/@(\/\/|https?:|\s|$)/i.test(model)) throw unusable('has a base URL that is none');
  if (/@[\w.-]+:\d+(\/|$)/.test(model)) throw unusable('has a base URL without http:// or https://');
  if (at === -1 && !otherwise) throw unusable('has no base URL');
  const baseUrl =
    at === -1 ? otherwise!() : checkedUrl(rest.slice(at + 1), `the base URL of ${kind}:MODEL@BASE_URL`);
  return { model, baseUrl, name: `${kind}:${model}@${baseUrl}` };
}

function checkedUrl(text: string, where: string): string {
  const refused = (what: string): QuernError =>
    new QuernError('USAGE', what, { where, hint: 'It reads like http://localhost:8000/v1' });
  if (/\s/.test(text) || hasControlCharacters(text) || !URL.canParse(text)) throw refused('is not a URL');
  if (/,https?:/i.test(text)) throw refused('is more than one URL, where one server is asked');
  if (text.includes(','))
    throw refused('has a comma; of several servers, each begins with http:// or https://');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('is neither http nor https');
  if (text.includes('?') || text.includes('#'))
    throw refused('has a query or a fragment, which cannot be kept');
  if (url.username !== '' || url.password !== '' || /^[a-z]+:\/*[^/]*@/i.test(text)) {
    throw new QuernError('USAGE', 'has a user or a password', {
      where,
      hint: 'Keys come from the environment alone: OPENAI_API_KEY, or what keyVariable of the configuration names',
    });
  }
  const base = url.href.replace(/\/+$/, '');
  if (/\/((chat\/)?completions|embeddings|rerank)$/.test(base))
    throw refused('is the address of one kind of request');
  return base;
}

function hasControlCharacters(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
