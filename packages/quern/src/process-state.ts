/** Which process is which: a process number can be another's later. */
import { readFile } from 'node:fs/promises';

/** A name for this run of the machine, where the system tells. */
export function bootId(): Promise<string | undefined> {
  return readFile('/proc/sys/kernel/random/boot_id', 'latin1').then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** When a process began, and whether only its entry is left; undefined where the system does not tell. */
export async function processState(pid: number): Promise<{ started: string; ended: boolean } | undefined> {
  try {
    const [stat, boot] = await Promise.all([readFile(`/proc/${pid}/stat`, 'latin1'), bootId()]);
    if (boot === undefined) return undefined;
    // The second field is the name, in parentheses, and may hold blanks; the third is the state, the 22nd the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { started: `${boot} ${fields[19]}`, ended: fields[0] === 'Z' || fields[0] === 'X' };
  } catch {
    return undefined;
  }
}

/** Whether there is a process of this number on this machine, whoever's it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // There is one, which is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
