/**
 * A program that behaves as an engine's training does, for tests: `node fake-engine.mjs job-of-it.json`. It goes on from its last
 * whole checkpoint, logs a line a step, writes a checkpoint every second step, and ends early as `script.json` says:
 * {steps, die?: step, diverge?: step, hang?: step, wait?: milliseconds}.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const script = JSON.parse(readFileSync('script.json', 'utf8'));
const done = (existsSync('made') ? readdirSync('made') : [])
  .filter((name) => existsSync(join('made', name, 'whole')))
  .map(Number);
const begun = Math.max(0, ...done);
const log = (line) => appendFileSync('log.jsonl', `${JSON.stringify(line)}\n`);
const wait = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

function save(step) {
  const folder = join('made', String(step));
  mkdirSync(folder, { recursive: true });
  for (const name of ['config.json', 'model.safetensors', 'optimizer.pt', 'rng_state_0.pth']) {
    writeFileSync(join(folder, name), `${name} of ${step}`);
  }
  writeFileSync(join(folder, 'whole'), '');
}

log({ begun });
console.log(`an attempt from step ${begun}`);
for (let step = begun + 1; step <= script.steps; step++) {
  await wait(script.wait ?? 1);
  if (script.diverge === step) {
    console.log(`RuntimeError: DIVERGED: the loss of step ${step} is 1000.0`);
    process.exit(1);
  }
  log({ step, loss: step / 10, num_tokens: step * 100 });
  if (step % 2 === 0) save(step);
  if (script.die === step) {
    console.log('[rank0]: ValueError: something was \u001b[31mwrong\u001b[0m');
    process.exit(3);
  }
  while (script.hang === step && !existsSync('stop')) await wait(20);
  if (existsSync('stop')) {
    if (step % 2 === 1) save(step);
    process.exit(0);
  }
}
