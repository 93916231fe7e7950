import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { posix } from 'node:path';

/** Where {@link freeMemory} learns what it returns. */
export interface MemorySources {
  readonly platform: string;
  /** The text of a file, undefined where it cannot be read. */
  readonly read: (path: string) => string | undefined;
  /** Bytes that the system calls free. */
  readonly systemFree: () => number;
}

const thisMachine: MemorySources = {
  platform: process.platform,
  read: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  systemFree: freemem,
};

/**
 * The bytes of memory that this process can still take. On Linux: what the kernel calls available, or less where a control
 * group (a container's limit, version 1 or 2) allows less; files that are only cached count as free. Elsewhere what the
 * system calls free.
 */
export function freeMemory(sources: MemorySources = thisMachine): number {
  if (sources.platform !== 'linux') return sources.systemFree();
  const available = kilobytesOf(sources.read('/proc/meminfo'), 'MemAvailable') ?? sources.systemFree();
  return Math.max(0, Math.min(available, ...groupLimits(sources.read)));
}

/** What each control group that this process is in leaves. */
function groupLimits(read: MemorySources['read']): number[] {
  return (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === '')
      return ancestors(path).map((group) => leftInVersion2(read, `/sys/fs/cgroup${group}`));
    if (!controllers.split(',').includes('memory')) return [];
    return ancestors(path).map((group) => leftInVersion1(read, `/sys/fs/cgroup/memory${group}`));
  });
}

/** A group's path and those above it: each has its limit. In a container only the uppermost may be there. */
function ancestors(path: string): string[] {
  const above = posix.dirname(path);
  return above === path ? [''] : [path, ...ancestors(above)];
}

function leftInVersion2(read: MemorySources['read'], folder: string): number {
  const limit = bytesOf(read(`${folder}/memory.max`));
  const used = bytesOf(read(`${folder}/memory.current`));
  return left(limit, used, statOf(read(`${folder}/memory.stat`), 'inactive_file'));
}

function leftInVersion1(read: MemorySources['read'], folder: string): number {
  const limit = bytesOf(read(`${folder}/memory.limit_in_bytes`));
  const used = bytesOf(read(`${folder}/memory.usage_in_bytes`));
  return left(limit, used, statOf(read(`${folder}/memory.stat`), 'total_inactive_file'));
}

function left(limit: number | undefined, used: number | undefined, cached = 0): number {
  return limit === undefined || used === undefined ? Infinity : limit - Math.max(0, used - cached);
}

/** Undefined for `max`, which is no limit. */
function bytesOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined;
}

function statOf(text: string | undefined, name: string): number | undefined {
  const [, value] = new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '') ?? [];
  return value === undefined ? undefined : Number(value);
}

function kilobytesOf(text: string | undefined, name: string): number | undefined {
  const [, value] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text ?? '') ?? [];
  return value === undefined ? undefined : Number(value) * 1024;
}
