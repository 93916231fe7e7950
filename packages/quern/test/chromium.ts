import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** The Chromium of this machine, if it has one. */
export const chromium = names.find((name) => spawnSync(name, ['--version']).status === 0);

/** The document at an address as HTML, after its scripts have run for as many milliseconds of the page's own time. */
export async function documentAt(url: string, profile: string, milliseconds: number): Promise<string> {
  return (await visit(url, profile, milliseconds)).html;
}

/** {@link documentAt}, and the lines that its console shows, which tell what a policy forbade. */
export async function visit(
  url: string,
  profile: string,
  milliseconds: number,
): Promise<{ readonly html: string; readonly console: readonly string[] }> {
  const { stdout, stderr } = await promisify(execFile)(
    chromium!,
    [
      '--headless',
      '--disable-gpu',
      // It is shown nothing but pages of ours, and has none where tests run as root.
      '--no-sandbox',
      `--user-data-dir=${profile}`,
      '--window-size=1000,4000',
      `--virtual-time-budget=${milliseconds}`,
      '--enable-logging=stderr',
      '--dump-dom',
      url,
    ],
    { maxBuffer: 64 << 20, timeout: 60_000 },
  );
  return { html: stdout, console: stderr.split('\n').filter((line) => line.includes('CONSOLE')) };
}
