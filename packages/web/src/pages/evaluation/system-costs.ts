import { count, duration, money } from '../../parts/figures.ts';
import type { SavedRun } from './saved.ts';
import type { Column, System } from './systems.ts';

/** What systems took, one value each, in their order. */
export interface CostColumn {
  readonly title: string;
  readonly unit: string;
  readonly values: readonly string[];
}

/** Time, tokens and money of systems over the runs that they have on some columns; a reasoned query that was recorded took none. */
export function costColumns(systems: readonly System[], columns: readonly Column[]): CostColumn[] {
  const runs = systems.map((system) => columns.flatMap(({ key }) => system.runs.get(key) ?? []));
  const each = (
    title: string,
    unit: string,
    value: (sum: (of: (run: SavedRun) => number) => number, runs: readonly SavedRun[]) => string,
  ): CostColumn => ({
    title,
    unit,
    values: runs.map((own) =>
      own.length === 0 ? '–' : value((of) => own.reduce((total, run) => total + of(run), 0), own),
    ),
  });
  return [
    each('Reasoning', 'a query, new', (sum, own) =>
      own.every(({ reasoner }) => reasoner === 'none') || sum(asked) === 0
        ? '–'
        : duration(sum((run) => run.milliseconds.reason) / sum(asked)),
    ),
    each('Search', 'a query', (sum) => duration(sum((run) => run.milliseconds.search) / sum(queries))),
    each('Tokens', 'in and out', (sum) =>
      tokensText(
        sum((run) => run.reasoning.promptTokens),
        sum((run) => run.reasoning.completionTokens),
      ),
    ),
    each('Recorded', 'queries', (sum) => count(sum((run) => run.reasoning.cached))),
    each('Cut', 'queries', (sum) => count(sum((run) => run.reasoning.cut))),
    each('Failed', 'queries', (sum) => count(sum((run) => run.reasoning.failed))),
    each('Cost', 'altogether', (_, own) => costText(own)),
  ];
}

function queries(run: SavedRun): number {
  return run.queries;
}

/** Queries whose reasoned query was made then: not those read from a record, nor those that a gate let stand alone. */
function asked({ queries: all, reasoning: { cached, skipped } }: SavedRun): number {
  return Math.max(0, all - cached - skipped);
}

function tokensText(prompts: number, completions: number): string {
  return prompts + completions === 0 ? '–' : `${count(prompts)} + ${count(completions)}`;
}

function costText(runs: readonly SavedRun[]): string {
  const sums = new Map<string, number>();
  for (const { amount, currency } of runs.flatMap(({ reasoning }) => reasoning.cost)) {
    sums.set(currency, (sums.get(currency) ?? 0) + amount);
  }
  return sums.size === 0
    ? '–'
    : Array.from(sums, ([currency, amount]) => money({ amount, currency })).join(' + ');
}
