/**
 * Ends what runs beside a training, once the training has ended, where the process that started both was killed:
 * `node quern_guard.mjs TRAINING SERVICE…`, groups of processes by their numbers. Its standard input is a pipe from that process:
 * where it ends, the process has. The training itself writes a checkpoint then and ends, for which it may still need the services.
 */
const [training, ...services] = process.argv.slice(2).map(Number);

process.stdin.on('end', watch).on('error', watch).resume();

function watch() {
  if (isThere(training)) {
    setTimeout(watch, 200);
    return;
  }
  // What a program started may outlive it.
  for (const group of [training, ...services]) end(group);
  process.exit();
}

function isThere(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function end(group) {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
