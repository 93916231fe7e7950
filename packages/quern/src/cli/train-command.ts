import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { QuernError } from '../errors.ts';
import { presetNames, presets } from '../train/configuration/presets.ts';
import { configYaml, readTrainConfig } from '../train/configuration/read-config.ts';
import { isRewardAddress } from '../train/configuration/together.ts';
import type { TrainConfig } from '../train/configuration/train-config.ts';
import { engineNames, type EngineName } from '../train/engines/engine.ts';
import type { WrittenJob } from '../train/engines/engine-run.ts';
import { shellCommand, shellWord } from '../train/engines/shell-words.ts';
import type { TrainingEvent, TrainingOutcome } from '../train/trainer.ts';
import { interruptSignal } from './interrupt.ts';
import { startProgress } from './progress.ts';
import { shared } from './options.ts';
import { durationText, note, print, printJson } from './output.ts';
import { trainCollectCommand } from './train-collect-command.ts';
import { trainWatchCommand } from './train-watch-command.ts';
import { stepText } from './training-text.ts';

interface Options {
  readonly preset?: string;
  readonly out?: string;
  readonly resume?: boolean;
  readonly engine?: 'libtorch' | EngineName;
  readonly python?: string;
  readonly dryRun?: boolean;
  readonly set: readonly string[];
  readonly json?: boolean;
}

/** `quern train` */
export function trainCommand(): Command {
  return new Command('train')
    .description('Train a reasoner: by GRPO from rewards of what it writes, or by imitation (method: sft).')
    .argument('[config]', 'a YAML file with fields of the configuration (docs/TRAINING.md)')
    .addOption(new Option('--preset <name>', 'begin with these fields').choices(presetNames))
    .option('--out <folder>', 'the folder of the run (output_dir)')
    .option('--resume', 'go on with the run in --out from its last checkpoint')
    .addOption(
      new Option(
        '--engine <name>',
        'what trains (default: libtorch, here; --resume: what did before)',
      ).choices(['libtorch', ...engineNames]),
    )
    .option('--python <program>', 'the Python that has the engine (default: python3)')
    .option(
      '--dry-run',
      'say what would be done and how much memory it takes, and do nothing; for another engine, write its job and print its commands',
    )
    .option('--set <key=value>', 'set one field (can be repeated)', collected, [])
    .addOption(shared.json())
    .addCommand(trainWatchCommand())
    .addCommand(trainCollectCommand())
    .addHelpText(
      'after',
      `
Presets:
${presetNames.map((name) => `  ${name.padEnd(18)}${presets[name].description}`).join('\n')}

Each field is from the file, over the preset, under --set. Ctrl-C ends it after a checkpoint; a second one at once, and
nothing that was done up to the last checkpoint is lost: --resume goes on from there.

Examples:
  $ quern train --preset smoke --out runs/smoke
  $ quern train --preset tongsearch-1.5b --set train_data=data --out runs/first --dry-run
  $ quern train my.yaml --set learning_rate=2e-6 --out runs/second
  $ quern train --resume --out runs/second
  $ quern train my.yaml --engine trl --set num_processes=8 --out runs/large
  $ quern train my.yaml --engine trl --set num_processes=32 --set num_machines=4 --out runs/cluster --dry-run
  $ quern train my.yaml --engine verl --set num_processes=8 --set vllm_mode=colocate --out runs/verl
  $ quern train watch runs/first runs/second`,
    )
    .action(run);
}

async function run(file: string | undefined, options: Options): Promise<void> {
  const config = await configurationOf(file, options);
  const engine = await engineOf(config, options);
  if (engine !== undefined) {
    await runOnEngine(config, engine, options);
    return;
  }
  if (options.python !== undefined) {
    throw new QuernError('USAGE', 'is for other engines', { where: '--python', hint: 'Say --engine trl' });
  }
  checkIsHere(config);
  if (options.dryRun) {
    await dryRun(config, options);
    return;
  }
  const signal = interruptSignal();
  const started = performance.now();
  const { trainInThread } = await import('../train/training-thread.ts');
  const outcome = await trainInThread(config, {
    resume: options.resume,
    signal,
    onEvent: (event) => tellEvent(event, config),
    onWork: startProgress,
  });
  const milliseconds = performance.now() - started;
  if (options.json) printJson({ ...outcome, milliseconds });
  else tellOutcome(outcome, milliseconds);
  if (outcome.status === 'stopped') process.exitCode = 1;
}

/** The engine that is asked for, or that the run was begun on; undefined for LibTorch. */
async function engineOf(config: TrainConfig, { engine, resume }: Options): Promise<EngineName | undefined> {
  if (engine !== undefined) return engine === 'libtorch' ? undefined : engine;
  if (!resume) return undefined;
  const { engineOfRun } = await import('../train/engines/engine-folder.ts');
  return engineOfRun(config.output_dir);
}

/** Throws `USAGE` where a training in this process is asked to be in several. */
function checkIsHere({ num_processes: processes, num_machines: machines }: TrainConfig): void {
  if (processes === 1 && machines === 1) return;
  throw new QuernError('USAGE', 'a training here is one process', {
    where: processes > 1 ? `num_processes ${processes}` : `num_machines ${machines}`,
    hint: 'Several are for other engines: --engine trl',
  });
}

async function runOnEngine(config: TrainConfig, name: EngineName, options: Options): Promise<void> {
  const { trainOnEngine, writeEngineJob } = await import('../train/engines/engine-run.ts');
  const { engineNamed } = await import('../train/engines/engines.ts');
  const engine = engineNamed(name);
  const settings = {
    resume: options.resume,
    python: options.python,
    signal: interruptSignal(),
    onEvent: (event: TrainingEvent) => tellEvent(event, config),
    onWork: startProgress,
  };
  if (options.dryRun) {
    tellJob(await writeEngineJob(config, engine, settings), config, options);
    return;
  }
  const started = performance.now();
  const outcome = await trainOnEngine(config, engine, settings);
  const milliseconds = performance.now() - started;
  if (options.json) printJson({ ...outcome, milliseconds });
  else tellOutcome(outcome, milliseconds);
  if (outcome.status === 'stopped') process.exitCode = 1;
}

/** A job that was written: how it is started here, and elsewhere. */
function tellJob(
  { folder, job }: WrittenJob,
  { output_dir: out, num_machines: machines, reward = '', reward_index: index }: TrainConfig,
  { json }: Options,
): void {
  const commands = [...job.services, job.training];
  if (json) {
    printJson({ folder, commands, cluster: job.cluster });
    return;
  }
  print(`${folder}: written, and nothing started`);
  if (machines === 1) {
    print(`here: quern train --resume --out ${shellWord(out)}`);
    print();
    print('by its commands, in that folder:');
    if (!isRewardAddress(reward)) {
      const ranked = index === undefined ? [] : ['--index', resolve(index)];
      print(
        `  ${shellCommand('quern', ['reward', 'serve', '--reward', reward, ...ranked, '--port', '8700'])}`,
      );
    }
    for (const { program, args, environment } of commands) {
      print(`  ${shellCommand(program, args, environment)}`);
    }
  }
  print();
  print('on a cluster (cluster.sh):');
  print(job.cluster.trimEnd());
  print();
  print(`what it logs and writes is taken over by: quern train collect ${shellWord(out)}`);
}

/** The configuration that is asked for; that of a run which goes on is its own, where nothing else is said. */
async function configurationOf(
  file: string | undefined,
  { preset, out, resume, set }: Options,
): Promise<TrainConfig> {
  if (!resume || file !== undefined || preset !== undefined)
    return readTrainConfig({ preset, file, set, out });
  if (out === undefined) {
    throw new QuernError('USAGE', 'goes on with a run', {
      where: '--resume',
      hint: 'Name its folder: --out FOLDER',
    });
  }
  const own = resolve(out, 'config.yaml');
  return readTrainConfig({ file: own, set, out }).catch((error: unknown) => {
    if (!(error instanceof QuernError) || error.code !== 'NOT_FOUND') throw error;
    throw new QuernError('NOT_FOUND', 'holds no run that could go on', {
      where: out,
      hint: 'Name the folder that was given as --out, or leave --resume out',
    });
  });
}

async function dryRun(config: TrainConfig, { json, resume }: Options): Promise<void> {
  const { plannedMemory } = await import('../train/planned-memory.ts');
  const { checkFits } = await import('../train/configuration/memory-check.ts');
  const signal = interruptSignal();
  const { memory, text } = await plannedMemory(config, { resume, signal, onWork: startProgress });
  const { dataText } = await import('../train/planned-data.ts');
  const data = await dataText(config, signal);
  const { rows, total, available, resolvedRows } = memory;
  if (json) {
    const free = Number.isFinite(available) ? { available } : {};
    printJson({
      config,
      memory: { rows, total, ...free },
      generation_rows: resolvedRows,
      fits: total <= available,
    });
  } else {
    print(configYaml(config).trimEnd());
    print();
    print(text);
    if (total <= available && resolvedRows > 0) print(`completions at a time: ${resolvedRows}`);
    print();
    print(data);
  }
  checkFits(memory);
}

function tellEvent(event: TrainingEvent, config: TrainConfig): void {
  switch (event.kind) {
    case 'note':
      note(`quern: ${event.text}`);
      return;
    case 'checkpoint':
      note(`quern: ${event.folder}${event.isBest ? ', the best so far' : ''}`);
      return;
    case 'metrics':
      note(stepText(event.line, config.max_steps, event.secondsLeft));
  }
}

function tellOutcome(
  { status, step, checkpoint, best, folder }: TrainingOutcome,
  milliseconds: number,
): void {
  const how = status === 'done' ? 'done' : 'stopped';
  print(`${folder}: ${how} after step ${step}, in ${durationText(milliseconds)}`);
  if (checkpoint !== undefined) print(`last checkpoint: ${checkpoint}`);
  if (best) print(`best checkpoint: step ${best.step}, ${best.metric} ${best.value.toFixed(4)}`);
  if (status === 'stopped') print(`go on with: quern train --resume --out ${folder}`);
}

function collected(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
