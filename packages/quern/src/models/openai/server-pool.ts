/**
 * Several servers that do the same work, as one: each request goes to the one that has the least to do, and a server that
 * fails is left out until it is well again. It knows nothing of what is asked.
 *
 *     in ──a fault──► out ──a pause──► asked whether it is well ──yes──► on trial: one request ──answered──► in
 *                      ▲──────────────────────no, twice the pause────────────────────┘failed
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { QuernError } from '../../errors.ts';
import { retryWait } from './openai-retry.ts';
import type { ServerFault } from './server-fault.ts';
import type { ServerStanding } from './server-standing.ts';

export type { ServerStanding } from './server-standing.ts';

/** One of the servers of a pool. */
export interface PooledServer<T> {
  readonly name: string;
  readonly server: T;
  /** How many requests at once it takes. */
  readonly places: number;
  /** Resolves where the server is well; throws what is wrong with it. */
  probe(signal: AbortSignal): Promise<void>;
}

/** A server that leaves the pool, or comes back. */
export interface ServerChange {
  readonly name: string;
  readonly isIn: boolean;
  /** Why it leaves. */
  readonly why?: string;
}

/** How a {@link ServerPool} goes about it. */
export interface PoolSettings {
  /** How long no server may answer before who waits for one is sent away, in milliseconds. */
  readonly outage: number;
  readonly onChange?: (change: ServerChange) => void;
  /** Waits between attempts; it rejects when the signal is aborted. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1, for the jitter of waits that a server does not name. */
  readonly random?: () => number;
}

/** A place at a server for one request. One of the three is to be called at its end. */
export interface Place<T> {
  readonly server: T;
  /** It was answered, if only by what is wrong with the request. */
  answered(): void;
  /** It was stopped from outside, which says nothing of the server. */
  stopped(): void;
  /** It came to nothing, and not by its own fault. Resolves to whether the server stays in the pool. */
  failed(fault: ServerFault): Promise<boolean>;
}

/** So many faults in a row put a server out that says it is well. */
const MOST_FAULTS = 3;

/** How long a server is left out before it is asked whether it is well: twice as long each time that it is not. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 60_000;

class Member<T> {
  readonly of: PooledServer<T>;
  state: 'in' | 'trial' | 'checked' | 'out' = 'in';
  /** It asked to be left alone. */
  isPaused = false;
  why?: ServerFault;
  underWay = 0;
  taken = 0;
  answered = 0;
  failed = 0;
  /** Since it last answered: faults, times that it asked for a pause, times that it was put out. */
  faults = 0;
  pauses = 0;
  outs = 0;
  check?: Promise<boolean>;

  constructor(of: PooledServer<T>) {
    this.of = of;
  }

  get isAvailable(): boolean {
    return this.state !== 'out' && !this.isPaused;
  }

  get hasPlace(): boolean {
    if (!this.isAvailable || this.state === 'checked') return false;
    return this.underWay < (this.state === 'trial' ? 1 : this.of.places);
  }

  /** How busy it is, from 0 to 1. */
  get load(): number {
    return this.underWay / this.of.places;
  }
}

interface Waiter<T> {
  readonly avoid: ReadonlySet<T>;
  take(member: Member<T>): void;
  leave(error: unknown): void;
}

/** {@link PooledServer}s as one. */
export class ServerPool<T> {
  readonly #members: readonly Member<T>[];
  readonly #settings: PoolSettings;
  readonly #sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly #closing = new AbortController();
  #waiting: Waiter<T>[] = [];
  /** Since when no server can be asked, none having answered in between. */
  #downSince: number | undefined;
  #outageTimer: NodeJS.Timeout | undefined;

  constructor(servers: readonly PooledServer<T>[], settings: PoolSettings) {
    this.#members = servers.map((server) => new Member(server));
    this.#settings = settings;
    setMaxListeners(0, this.#closing.signal);
    this.#sleep =
      settings.sleep ?? ((milliseconds, signal) => pause(milliseconds, undefined, { signal, ref: false }));
  }

  /** How each server stands, in the order in which they were given. */
  get standings(): ServerStanding[] {
    return this.#members.map(({ of, state, isPaused, underWay, answered, failed, why }) => {
      const shown = state === 'out' || state === 'trial' ? 'out' : isPaused ? 'paused' : 'in';
      const reason = shown !== 'in' && why ? { why: why.error.what } : {};
      return { name: of.name, state: shown, underWay, answered, failed, ...reason };
    });
  }

  /**
   * A place at the server that has the least to do for its size, and at one of `avoid` only where no other is in the pool;
   * waits as long as all are taken. Throws the signal's reason, and `UNAVAILABLE` once no server could be asked for as long as
   * an outage may take, or at once where all refuse.
   */
  async take(signal: AbortSignal, avoid: ReadonlySet<T> = new Set()): Promise<Place<T>> {
    signal.throwIfAborted();
    // Many calls at once share a signal: that is no leak.
    setMaxListeners(0, signal);
    const member = await new Promise<Member<T>>((resolve, reject) => {
      const leave = (error: unknown): void => {
        signal.removeEventListener('abort', abort);
        reject(error as Error);
      };
      const abort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        leave(signal.reason);
      };
      const waiter: Waiter<T> = {
        avoid,
        leave,
        take(found) {
          signal.removeEventListener('abort', abort);
          resolve(found);
        },
      };
      signal.addEventListener('abort', abort);
      this.#waiting.push(waiter);
      this.#settle();
    });
    return this.#placeAt(member);
  }

  /** Asks all servers whether they are well; those that are not leave the pool. */
  async checkAll(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#members.map(async (member) => {
        try {
          await member.of.probe(signal);
        } catch (error) {
          signal.throwIfAborted();
          this.#putOut(member, { kind: 'failed', error: error as QuernError });
        }
      }),
    );
    this.#settle();
  }

  /** Ends what it does on its own; who waits is sent away with `ABORTED`. */
  close(): void {
    this.#closing.abort();
    clearTimeout(this.#outageTimer);
    this.#sendAway(new QuernError('ABORTED', 'the connection is closed'));
  }

  #placeAt(member: Member<T>): Place<T> {
    const end = (): void => void member.underWay--;
    return {
      server: member.of.server,
      answered: () => {
        end();
        member.answered++;
        member.faults = member.pauses = member.outs = 0;
        this.#downSince = undefined;
        if (member.state === 'trial') {
          member.state = 'in';
          this.#settings.onChange?.({ name: member.of.name, isIn: true });
        }
        this.#settle();
      },
      stopped: () => {
        end();
        this.#settle();
      },
      failed: async (fault) => {
        end();
        member.failed++;
        const stays = await this.#staysAfter(member, fault);
        this.#settle();
        return stays;
      },
    };
  }

  /** What a fault does to a server, and whether it stays. */
  async #staysAfter(member: Member<T>, fault: ServerFault): Promise<boolean> {
    // The others that were under way when it was put out.
    if (member.state === 'out') return false;
    if (fault.kind === 'busy') {
      this.#leaveAlone(member, fault);
      return true;
    }
    member.faults++;
    const isWell =
      fault.kind === 'failed' &&
      member.state !== 'trial' &&
      member.faults < MOST_FAULTS &&
      (await this.#isWell(member));
    if (!isWell) this.#putOut(member, fault);
    return isWell;
  }

  /** Asks a server whether it is well, which until then gets no more to do; once for all who want to know. */
  #isWell(member: Member<T>): Promise<boolean> {
    member.state = 'checked';
    member.check ??= member.of
      .probe(this.#closing.signal)
      .then(
        () => {
          if (member.state === 'checked') member.state = 'in';
          return true;
        },
        () => false,
      )
      .finally(() => (member.check = undefined));
    return member.check;
  }

  #leaveAlone(member: Member<T>, fault: ServerFault): void {
    if (member.isPaused) return;
    member.isPaused = true;
    member.why = fault;
    const wait = retryWait(member.pauses++, this.#settings.random ?? Math.random, fault.retryAfter);
    // What lies beyond what a timer can wait is a day.
    this.#sleep(Math.min(wait, 86_400_000), this.#closing.signal).then(
      () => {
        member.isPaused = false;
        this.#settle();
      },
      () => undefined,
    );
  }

  #putOut(member: Member<T>, fault: ServerFault): void {
    if (member.state === 'out') return;
    const wasIn = member.state !== 'trial';
    member.state = 'out';
    member.why = fault;
    if (wasIn) this.#settings.onChange?.({ name: member.of.name, isIn: false, why: fault.error.what });
    void this.#bringBack(member);
  }

  async #bringBack(member: Member<T>): Promise<void> {
    const { signal } = this.#closing;
    try {
      for (;;) {
        await this.#sleep(Math.min(FIRST_PAUSE * 2 ** member.outs++, LONGEST_PAUSE), signal);
        try {
          await member.of.probe(signal);
          break;
        } catch {
          signal.throwIfAborted();
        }
      }
    } catch {
      return;
    }
    member.state = 'trial';
    member.faults = 0;
    this.#settle();
  }

  /** Gives free places to those who wait, or sends them away where there is nothing to wait for. */
  #settle(): void {
    this.#serve();
    clearTimeout(this.#outageTimer);
    // One that asks to be left alone while it works on what it has is not down.
    if (
      this.#members.some(
        ({ isAvailable, state, underWay }) => isAvailable || (state !== 'out' && underWay > 0),
      )
    )
      return;
    this.#downSince ??= performance.now();
    if (this.#waiting.length === 0) return;
    const left = this.#downSince + this.#settings.outage - performance.now();
    const allRefuse = this.#members.every(({ state, why }) => state === 'out' && why?.kind === 'refused');
    if (left <= 0 || allRefuse) this.#sendAway(this.#unavailable());
    else this.#outageTimer = setTimeout(() => this.#settle(), left);
  }

  #serve(): void {
    if (!this.#members.some(({ hasPlace }) => hasPlace)) return;
    const still: Waiter<T>[] = [];
    for (const waiter of this.#waiting) {
      const member = this.#bestFor(waiter.avoid);
      if (!member) {
        still.push(waiter);
        continue;
      }
      member.underWay++;
      member.taken++;
      waiter.take(member);
    }
    this.#waiting = still;
  }

  #bestFor(avoid: ReadonlySet<T>): Member<T> | undefined {
    const available = this.#members.filter(({ isAvailable }) => isAvailable);
    const others = available.filter(({ of }) => !avoid.has(of.server));
    let best: Member<T> | undefined;
    for (const member of others.length > 0 ? others : available) {
      if (!member.hasPlace) continue;
      const better = best
        ? member.load - best.load || member.taken / member.of.places - best.taken / best.of.places
        : -1;
      if (better < 0) best = member;
    }
    return best;
  }

  #sendAway(error: QuernError): void {
    for (const waiter of this.#waiting.splice(0)) waiter.leave(error);
  }

  #unavailable(): QuernError {
    const reasons = this.#members.map(({ of, why }) => `${of.name}: ${why?.error.what ?? 'not asked'}`);
    return new QuernError('UNAVAILABLE', `no server is left to ask (${reasons.join('; ')})`, {
      hint: 'Are the servers running, with this model, and are these their URLs?',
    });
  }
}
