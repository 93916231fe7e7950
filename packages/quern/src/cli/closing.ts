import type { Reasoner } from '../reason/reasoner.ts';

/** How long a command waits for a reasoner to free what it holds, in milliseconds. */
const patience = 250;

let isAbandoned = false;

/**
 * Closes a reasoner. What it does right now inside llama.cpp cannot be broken off; where that takes long, as after a deadline,
 * it is left to the end of the process.
 */
export async function closeSoon(reasoner: Reasoner): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<true>((resolve) => (timer = setTimeout(() => resolve(true), patience)));
  const closed = reasoner.close().then(
    () => false,
    // What could not be freed is freed with the process; it must not hide what went wrong before.
    () => false,
  );
  if (await Promise.race([closed, late])) {
    isAbandoned = true;
  }
  clearTimeout(timer);
}

/** Ends the process where work was left to its end, as soon as all output is out; else the process ends by itself. */
export function endProcess(): void {
  if (!isAbandoned) return;
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}
