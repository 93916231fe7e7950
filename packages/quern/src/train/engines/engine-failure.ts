/** Why a training on an engine failed, from what its programs printed. */
import { join } from 'node:path';
import { QuernError } from '../../errors.ts';
import { lastLines } from './engine-process.ts';

/** What a training that failed said, in one line: which of its processes, and why. */
export async function trainingFailure(at: string, how: NodeJS.Signals | number | null): Promise<QuernError> {
  const log = join(at, 'log.txt');
  const lines = await lastLines(log, 400);
  const diverged = lines.findLast((line) => /^(?:\[rank\d+\]:\s*)?RuntimeError: DIVERGED: /.test(line));
  if (diverged !== undefined) {
    return new QuernError('DIVERGED', diverged.slice(diverged.indexOf('DIVERGED: ') + 10).slice(0, 300), {
      where: log,
    });
  }
  const rank = lines.findLast((line) => /^rank\s*:/.test(line));
  const exit = lines.findLast((line) => /^exitcode\s*:/.test(line));
  // What a launcher says of it is not why.
  const said =
    lines.findLast((line) =>
      /^(?:\[rank\d+\]:\s*)?(?!torch\.distributed\.elastic|subprocess\.)[\w.]*(?:Error|Exception)\b.*:/.test(
        line,
      ),
    ) ?? lines.at(-1);
  const which =
    rank === undefined
      ? ''
      : ` (${rank.replaceAll(/\s+/g, ' ')}${exit === undefined ? '' : `, ${exit.replaceAll(/\s+/g, ' ')}`})`;
  return new QuernError(
    'IO',
    `the training ended with ${how}${which}${said === undefined ? '' : `: ${said.replace(/^\[rank\d+\]:\s*/, '').slice(0, 400)}`}`,
    { where: log, hint: hintOf(said) },
  );
}

/** That a program ended or could not go on, with the last line that it printed. */
export async function failureOf(what: string, log: string): Promise<QuernError> {
  const [last = 'it said nothing'] = await lastLines(log, 1);
  return new QuernError('IO', `${what}; it said last: ${last.slice(0, 400)}`, {
    where: log,
    hint: hintOf(last),
  });
}

function hintOf(said = ''): string {
  return said.includes('No module named')
    ? 'Install what the lists with hashes in that folder name, or name the Python that has it (--python), and go on by --resume'
    : 'What was done up to the last checkpoint is kept; --resume goes on from there';
}
