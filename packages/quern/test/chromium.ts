import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** The Chromium of this machine, if it has one. */
export const chromium = names.find((name) => spawnSync(name, ['--version']).status === 0);

/** The document at an address as HTML, after its scripts have run for as many milliseconds of the page's own time. */
export async function documentAt(url: string, profile: string, milliseconds: number): Promise<string> {
  const { stdout } = await promisify(execFile)(
    chromium!,
    [
      '--headless',
      '--disable-gpu',
      // It is shown nothing but pages of ours, and has none where tests run as root.
      '--no-sandbox',
      `--user-data-dir=${profile}`,
      '--window-size=1000,4000',
      `--virtual-time-budget=${milliseconds}`,
      '--dump-dom',
      url,
    ],
    { maxBuffer: 64 << 20, timeout: 60_000 },
  );
  return stdout;
}
