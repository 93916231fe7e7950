import { Command } from 'commander';
import { rewardAblateCommand } from './reward-ablate-command.ts';

/** `quern reward ablate` */
export function rewardCommand(): Command {
  return new Command('reward')
    .description('Find out which reward of reasoned queries to trust.')
    .addCommand(rewardAblateCommand());
}
