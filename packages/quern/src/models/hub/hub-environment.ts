import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expanded, hubCacheFolder, hubHome, type Environment } from '../../collections/environment.ts';
import { fileError, QuernError } from '../../errors.ts';

/** The hub that is asked, and the cache in front of it. */
export interface HubEnvironment {
  /** The cache's folder. */
  readonly cache: string;
  /** The hub's address; its path ends with no slash. */
  readonly endpoint: URL;
  /** Whether the hub must not be asked. */
  readonly isOffline: boolean;
}

/**
 * What the variables of `huggingface_hub` say: `HF_HUB_CACHE`, `HF_HOME` and `XDG_CACHE_HOME` where the cache is,
 * `HF_ENDPOINT` which hub is asked, `HF_HUB_OFFLINE` that none is. Throws `USAGE` for an address that none can have.
 */
export function hubEnvironment(env: Environment): HubEnvironment {
  return {
    cache: hubCacheFolder(env),
    endpoint: endpointOf(env.HF_ENDPOINT || 'https://huggingface.co'),
    isOffline: ['1', 'ON', 'YES', 'TRUE'].includes(env.HF_HUB_OFFLINE?.toUpperCase() ?? ''),
  };
}

/**
 * The access token: `HF_TOKEN`, else the content of the file `HF_TOKEN_PATH` or `token` in `HF_HOME`, where
 * `hf auth login` puts it; undefined where there is none. Throws `USAGE`, which does not quote it, for what cannot be
 * one.
 */
export async function hubToken(env: Environment): Promise<string | undefined> {
  const path = env.HF_TOKEN_PATH ? expanded(env.HF_TOKEN_PATH) : join(hubHome(env), 'token');
  const given = env.HF_TOKEN?.trim();
  const token = given || (await fileText(path)).trim();
  if (token === '') return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new QuernError('USAGE', 'holds characters that no access token has', {
      where: given ? 'HF_TOKEN' : path,
      hint: 'Copy the token again from the hub, settings, access tokens',
    });
  }
  return token;
}

function endpointOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const fault =
    url === undefined || !/^https?:$/.test(url.protocol)
      ? 'is not an http or https address'
      : url.username + url.password + url.search + url.hash !== ''
        ? 'holds a user, a password, a query or a fragment'
        : undefined;
  if (fault !== undefined) {
    throw new QuernError('USAGE', fault, {
      where: 'HF_ENDPOINT',
      hint: 'Set it to something like https://huggingface.co, or unset it',
    });
  }
  url!.pathname = url!.pathname.replace(/\/+$/, '');
  return url!;
}

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw fileError(error, path);
  }
}
