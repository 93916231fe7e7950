import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder with local data that `QUERN_DATA` names, if it is set. */
export function dataFolder(): string | undefined {
  return process.env['QUERN_DATA'] || undefined;
}

/** Environment variables by name, as `process.env` has them; an empty value is the same as none. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder that Hugging Face's tools keep their things in: `HF_HOME`, else `huggingface` in `XDG_CACHE_HOME` or
 * `~/.cache`.
 */
export function hubHome({ HF_HOME, XDG_CACHE_HOME }: Environment = process.env): string {
  return HF_HOME
    ? expanded(HF_HOME)
    : join(XDG_CACHE_HOME ? expanded(XDG_CACHE_HOME) : join(homedir(), '.cache'), 'huggingface');
}

/**
 * The folder of the Hugging Face cache, found as `huggingface_hub` finds it: `HF_HUB_CACHE`, else `hub` in
 * {@link hubHome}.
 */
export function hubCacheFolder(env: Environment = process.env): string {
  return env.HF_HUB_CACHE ? expanded(env.HF_HUB_CACHE) : join(hubHome(env), 'hub');
}

/** A path from a variable, whose `~` no shell may have replaced. */
export function expanded(path: string): string {
  return path.replace(/^~(?=$|[\\/])/, () => homedir());
}
