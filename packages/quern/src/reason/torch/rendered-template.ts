/** Chat templates, rendered apart: a template is a program of the model's maker, and may do anything or never end. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { QuernError } from '../../errors.ts';
import { oneLine } from '../../one-line.ts';

/** How long a template may take, in milliseconds, and what it may take of memory and write. */
const patience = 10_000;
const limits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 };
const mostLetters = 1_000_000;

/** What the thread runs: it needs no file of its own, which sources and builds would have under different names. */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const { Template } = require(workerData.jinja);
parentPort.postMessage(new Template(workerData.source).render(workerData.values));
`;

/**
 * What a Jinja template gives for `values`, in a thread that ends after ten seconds and has 64 MB. Throws `UNSUPPORTED` where it
 * fails, takes more, or gives no text.
 */
export async function renderedTemplate(source: string, values: Record<string, unknown>): Promise<string> {
  const jinja = createRequire(import.meta.url).resolve('@huggingface/jinja');
  const thread = new Worker(program, {
    eval: true,
    workerData: { jinja, source, values },
    resourceLimits: limits,
    env: {},
    stdout: true,
    stderr: true,
  });
  try {
    const [written] = (await once(thread, 'message', { signal: AbortSignal.timeout(patience) })) as [unknown];
    if (typeof written === 'string' && written.length <= mostLetters) return written;
    throw new TypeError(typeof written === 'string' ? 'it writes too much' : 'it renders no text');
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'AbortError';
    const said = error instanceof Error ? error.message : String(error);
    const told = isLate ? 'it does not end' : oneLine(said).slice(0, 200);
    throw new QuernError('UNSUPPORTED', `its chat template cannot be used (${told})`, { cause: error });
  } finally {
    await thread.terminate();
  }
}
