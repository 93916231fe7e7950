import { Command } from 'commander';
import { rewardAblateCommand } from './reward-ablate-command.ts';
import { rewardServeCommand } from './reward-serve-command.ts';

/** `quern reward ablate` and `quern reward serve` */
export function rewardCommand(): Command {
  return new Command('reward')
    .description('Find out which reward of reasoned queries to trust, and serve it to trainers.')
    .addCommand(rewardAblateCommand())
    .addCommand(rewardServeCommand());
}
