import type { Environment } from '../../collections/environment.ts';
import { QuernError } from '../../errors.ts';
import type { Feedback } from '../../reason/reasoners.ts';
import { preparedReasoner, type ReasonerSettings } from '../../reason/reasoners.ts';
import { SeveralReasoner } from '../../reason/several.ts';
import type { Reasoner } from '../../reason/reasoner.ts';
import { namedMembers, type NamedMember } from '../../reason/several-names.ts';
import { openGate, type CalibratedGate } from '../../search/calibrated-gate.ts';
import type { Warnings } from '../../warnings.ts';
import { Declared } from '../configuration/names.ts';
import type { DeclaredReasoner, QueueLimits } from '../configuration/service-config.ts';
import { stopSignal } from '../../stop-signal.ts';
import { Admission } from './admission.ts';
import { AdmittedReasoner } from './admitted-reasoner.ts';
import type { Observer } from './observer.ts';
import { orInFull } from './opening-error.ts';

/** A reasoner that is declared, ready to be asked. */
export interface OpenReasoner {
  readonly name: string;
  readonly declared: DeclaredReasoner;
  /** Where its generations wait. */
  readonly admission: Admission;
  readonly gate?: CalibratedGate;
  /** What learns from an index needs it; what does not is the same for all. */
  of(feedback: Feedback | undefined): Reasoner;
  /** Whether it learns from an index. */
  readonly learns: boolean;
}

/** How the reasoners of a service are opened. */
export interface ReasonersSettings {
  readonly limits: QueueLimits;
  readonly cacheFolder?: string;
  readonly warnings: Warnings;
  readonly env?: Environment;
  readonly failed: Observer['failed'];
}

/** A language model of a reasoner, without what is around it. */
interface DeclaredModel {
  /** The name of the reasoner. */
  readonly name: string;
  readonly model: Reasoner;
}

/** How long a server may take to say that it is there, in milliseconds, before the service is ready without it. */
const patience = 10_000;

/** The reasoners of a service by their names. */
export class Reasoners {
  readonly #declared: Declared<OpenReasoner>;
  readonly #made: readonly Reasoner[];
  readonly #models: readonly DeclaredModel[];
  readonly #failed: Observer['failed'];

  private constructor(
    open: ReadonlyMap<string, OpenReasoner>,
    made: readonly Reasoner[],
    models: readonly DeclaredModel[],
    failed: Observer['failed'],
  ) {
    this.#declared = new Declared('reasoner', open);
    this.#made = made;
    this.#models = models;
    this.#failed = failed;
  }

  /** Opens all of them; models are loaded by {@link ready}, or when they are first asked. Throws what opening one throws. */
  static async open(
    declared: ReadonlyMap<string, DeclaredReasoner>,
    settings: ReasonersSettings,
  ): Promise<Reasoners> {
    const open = new Map<string, OpenReasoner>();
    const made: Reasoner[] = [];
    const models: DeclaredModel[] = [];
    try {
      for (const [name, each] of declared) {
        const { opened, reasoners } = await orInFull(
          openedReasoner(name, each, { ...settings, onModel: (model) => void models.push({ name, model }) }),
          `reasoners › ${name}`,
        );
        open.set(name, opened);
        made.push(...reasoners);
      }
      return new Reasoners(open, made, models, settings.failed);
    } catch (error) {
      await closeAll(made);
      throw error;
    }
  }

  get names(): string[] {
    return this.#declared.names;
  }

  get all(): OpenReasoner[] {
    return [...this.#declared.entries()].map(([, each]) => each);
  }

  /** The one that a request names. Throws as {@link Declared.named} does. */
  named(name: string, where: string): OpenReasoner {
    return this.#declared.named(name, where);
  }

  /**
   * Loads the models in this process, and throws what is wrong with one. Servers are asked whether they are there; one that does
   * not say so in time is told as failed, and asked again by the questions that come.
   */
  async ready(signal: AbortSignal): Promise<void> {
    const remote = this.#models.filter(({ model }) => isRemote(model));
    const asked = remote.map((each) => this.#isThere(each, signal));
    for (const { name, model } of this.#models) {
      if (!isRemote(model)) await orInFull(Promise.resolve(model.ready?.({ signal })), `reasoners › ${name}`);
    }
    await Promise.all(asked);
  }

  async #isThere({ name, model }: DeclaredModel, signal: AbortSignal): Promise<void> {
    const { signal: within, stop } = stopSignal(signal);
    const timer = setTimeout(stop, patience);
    try {
      await model.ready?.({ signal: within });
    } catch (error) {
      const isLate = within.aborted && !signal.aborted;
      const told = isLate ? new QuernError('TIMEOUT', `${model.id} does not answer`) : (error as QuernError);
      if (!signal.aborted) this.#failed(`reasoner ${name}`, told.code, told);
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  async close(): Promise<void> {
    await closeAll(this.#made);
  }
}

function isRemote({ id }: Reasoner): boolean {
  return id.startsWith('openai:');
}

async function openedReasoner(
  name: string,
  declared: DeclaredReasoner,
  {
    limits,
    cacheFolder,
    warnings,
    env,
    onModel,
  }: ReasonersSettings & { readonly onModel: (model: Reasoner) => void },
): Promise<{ readonly opened: OpenReasoner; readonly reasoners: readonly Reasoner[] }> {
  const { reasoner: named, deadline, seed, cached, configuration } = declared;
  let admission: Admission | undefined;
  const around = (model: Reasoner): Reasoner => {
    onModel(model);
    const concurrent = limits.concurrent ?? model.parallel ?? 1;
    admission ??= new Admission('generations', { ...limits, concurrent });
    return new AdmittedReasoner(model, admission);
  };
  const members = namedMembers(named);
  const settings: ReasonerSettings = {
    configuration: { reasoners: new Map(members.map((member) => [member.name, configuration])) },
    cached,
    around,
    warnings,
    ...(deadline !== undefined && { deadline }),
    ...(seed !== undefined && { seed }),
    ...(cacheFolder !== undefined && { cacheFolder }),
    ...(env && { env }),
  };
  const learns = members.some((member) => member.name === 'rm3');
  const gate = declared.gate === undefined ? undefined : await openGate(declared.gate, warnings);
  const single = learns ? undefined : (await preparedReasoner(named, settings))();
  const learning = learns ? await learningReasoner(named, members, settings) : undefined;
  return {
    opened: {
      name,
      declared,
      learns,
      ...(gate && { gate }),
      get admission() {
        return (admission ??= new Admission('generations', limits));
      },
      of: (feedback) => single ?? learning!.of(feedback),
    },
    reasoners: single ? [single] : learning!.others,
  };
}

/** Several of which some learn from an index: for each index they are made anew, while the others are made once. */
async function learningReasoner(
  name: string,
  members: readonly NamedMember[],
  settings: ReasonerSettings,
): Promise<{ of(feedback: Feedback | undefined): Reasoner; readonly others: readonly Reasoner[] }> {
  const made = await Promise.all(
    members.map(async (member) => {
      const prepare = await preparedReasoner(member.name, settings);
      return { ...member, prepare, single: member.name === 'rm3' ? undefined : prepare() };
    }),
  );
  return {
    others: made.flatMap(({ single }) => single ?? []),
    of(feedback) {
      const asked = made.flatMap(({ samples, prepare, single }) => {
        const reasoner = single ?? prepare(feedback);
        return Array.from({ length: samples }, (_, sample) => ({ reasoner, sample }));
      });
      return asked.length === 1 ? asked[0]!.reasoner : new SeveralReasoner(name, asked);
    },
  };
}

async function closeAll(reasoners: readonly Reasoner[]): Promise<void> {
  for (const reasoner of reasoners) await reasoner.close().catch(() => undefined);
}

/** The error for a reasoner that learns from an index where there is none that it can learn from. */
export function needsFolder(name: string): QuernError {
  return new QuernError('BAD_INPUT', `${name} learns from an index in a folder`, {
    where: 'reasoner',
    hint: 'Search an index that lies in a folder, or take another reasoner',
  });
}
