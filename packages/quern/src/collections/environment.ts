import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder with local data that `QUERN_DATA` names, if it is set. */
export function dataFolder(): string | undefined {
  return process.env['QUERN_DATA'] || undefined;
}

/**
 * The folder of the Hugging Face cache, found as `huggingface_hub` finds it: `HF_HUB_CACHE`, else `HF_HOME/hub`, else
 * `huggingface/hub` in `XDG_CACHE_HOME` or `~/.cache`.
 */
export function hubCacheFolder(): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  if (HF_HUB_CACHE) return HF_HUB_CACHE;
  return join(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'), 'hub');
}
