import { expect, it } from 'vitest';
import { freeMemory } from './free-memory.ts';

const meminfo = 'MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\n';

/** What a Linux machine with these files has free. */
function free(files: Readonly<Record<string, string>>): number {
  return freeMemory({ platform: 'linux', read: (path) => files[path], systemFree: () => 5 });
}

it('is what the kernel calls available where nothing limits it', () => {
  expect(free({ '/proc/meminfo': meminfo, '/proc/self/cgroup': '0::/\n' })).toBe(8_192_000_000);
  const group = { '/sys/fs/cgroup/memory.max': 'max\n', '/sys/fs/cgroup/memory.current': '100\n' };
  expect(free({ '/proc/meminfo': meminfo, '/proc/self/cgroup': '0::/\n', ...group })).toBe(8_192_000_000);
});

it("is what a container's limit leaves, cached files counted as free", () => {
  const files = {
    '/proc/meminfo': meminfo,
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/memory.max': '4000000000\n',
    '/sys/fs/cgroup/memory.current': '3000000000\n',
    '/sys/fs/cgroup/memory.stat':
      'anon 1\nfile 2500000000\ninactive_file 2000000000\nactive_file 500000000\n',
  };
  expect(free(files)).toBe(3_000_000_000);
});

it('is what the tightest of nested groups leaves', () => {
  const files = {
    '/proc/meminfo': meminfo,
    '/proc/self/cgroup': '0::/a/b\n',
    '/sys/fs/cgroup/a/memory.max': '2000000000',
    '/sys/fs/cgroup/a/memory.current': '500000000',
    '/sys/fs/cgroup/a/b/memory.max': '9000000000',
    '/sys/fs/cgroup/a/b/memory.current': '100',
  };
  expect(free(files)).toBe(1_500_000_000);
});

it('knows the groups of version 1', () => {
  const files = {
    '/proc/meminfo': meminfo,
    '/proc/self/cgroup': '12:cpu,cpuacct:/docker/x\n5:memory:/docker/x\n0::/docker/x\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '3000000000\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '2900000000\n',
    '/sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 900000000\n',
  };
  expect(free(files)).toBe(1_000_000_000);
});

it('is never negative, and falls back on the system where Linux says nothing', () => {
  const full = { '/sys/fs/cgroup/memory.max': '100', '/sys/fs/cgroup/memory.current': '200' };
  expect(free({ '/proc/meminfo': meminfo, '/proc/self/cgroup': '0::/\n', ...full })).toBe(0);
  expect(free({})).toBe(5);
  expect(freeMemory({ platform: 'darwin', read: () => meminfo, systemFree: () => 7 })).toBe(7);
});

it('is something on this machine', () => {
  expect(freeMemory()).toBeGreaterThan(1e6);
});
