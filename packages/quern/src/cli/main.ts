import { endProcess } from './closing.ts';
import { note } from './output.ts';
import { runCommandLine } from './run.ts';

// A reader that has seen enough (`| head`) is no failure; what is under way still ends and clears up after itself.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return;
  note(`quern: cannot write to standard output: ${error.message}`);
  process.exitCode = 1;
});

// What is noted when nobody reads it any more is lost; a service goes on without its log.
process.stderr.on('error', () => undefined);

const code = await runCommandLine(process.argv.slice(2));
// A command that got to its end may have said that it failed in part.
if (code !== 0) process.exitCode = code;
endProcess();
