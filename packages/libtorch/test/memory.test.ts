import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import * as lt from '../src/index.ts';
import { hasLibTorch } from './has-libtorch.ts';

const linux = process.platform === 'linux';

const index = new URL('../dist/index.js', import.meta.url).href;

/** What a program writes in a process of its own. */
function outputOf(program: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.trim();
}

/** What the process holds, in MB; 0 where the system does not say. */
function resident(): number {
  if (!linux) return 0;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024;
}

describe.skipIf(!hasLibTorch)('native memory', () => {
  it('is flat over 1,000 training steps', () => {
    const { weights, optimizer, x, y } = lt.scope(() => {
      const shapes = [
        [64, 32],
        [64, 64],
        [1, 64],
      ];
      const made = shapes.map((shape) => lt.randn(shape, { requiresGrad: true }).keep());
      const given = [lt.randn([128, 32]).keep(), lt.randn([128, 1]).keep()];
      return { weights: made, optimizer: new lt.AdamW(made), x: given[0], y: given[1] };
    });
    const step = (): number =>
      lt.scope(() => {
        const hidden = lt.linear(lt.linear(x, weights[0]).relu(), weights[1]);
        const attended = lt.scaledDotProductAttention(
          hidden.view([4, 4, 32, 16]),
          hidden.view([4, 4, 32, 16]),
          hidden.view([4, 4, 32, 16]),
        );
        const loss = lt
          .linear(attended.reshape([128, 64]), weights[2])
          .sub(y)
          .square()
          .mean();
        optimizer.zeroGrad();
        loss.backward();
        lt.clipGradNorm(weights, 1);
        optimizer.step();
        return loss.item();
      });
    for (let i = 0; i < 100; i++) step();
    const before = lt.memory();
    const residentBefore = resident();
    let loss = 0;
    for (let i = 0; i < 1000; i++) loss = step();
    expect(Number.isFinite(loss)).toBe(true);
    expect(lt.memory()).toMatchObject({ bytes: before.bytes, tensors: before.tensors });
    expect(resident() - residentBefore).toBeLessThan(50);
    optimizer.dispose();
    for (const tensor of [...weights, x, y]) tensor.dispose();
  });

  it('is flat over 200,000 small operations in scopes', () => {
    const x = lt.ones([8]);
    const some = (): void =>
      lt.scope(() => {
        for (let i = 0; i < 50; i++) x.add(i).mul(2).sub(x).narrow(0, 0, 4);
      });
    for (let i = 0; i < 100; i++) some();
    const before = lt.memory();
    const residentBefore = resident();
    for (let i = 0; i < 1000; i++) some();
    expect(lt.memory()).toMatchObject({ bytes: before.bytes, tensors: before.tensors });
    expect(lt.memory().allocations - before.allocations).toBeGreaterThanOrEqual(150_000);
    expect(resident() - residentBefore).toBeLessThan(50);
    x.dispose();
  });

  it('is freed by the collector where there are no scopes: V8 is told of what is held', async () => {
    const before = lt.memory();
    let most = 0;
    for (let i = 0; i < 400; i++) {
      lt.zeros([1 << 20]);
      most = Math.max(most, lt.memory().tensors - before.tensors);
      if (i % 10 === 9) await setImmediate();
    }
    // Of 400 tensors of 4 MB each.
    expect(most).toBeLessThan(300);
    expect(Math.abs(lt.memory().reportedBytes - lt.memory().bytes)).toBeLessThan(8 << 20);
  });

  it('is granted up to what the machine has, written to or not, and is there again when it was freed', () => {
    const program = `
      import { readFileSync } from 'node:fs';
      import * as lt from ${JSON.stringify(index)};
      lt.zeros([1]).dispose();
      const available = Number(/MemAvailable:\\s+(\\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1]) * 1024;
      for (const mega of [60, 1, 1024]) {
        const made = [];
        let code = '';
        try {
          while (made.length * mega * 2 ** 20 < 3 * available) made.push(lt.empty([mega * 2 ** 18]));
        } catch (error) {
          code = error.code;
        }
        console.log(code, (made.length * mega * 2 ** 20) / available);
        for (const each of made) each.dispose();
        lt.empty([Math.floor(available / 8)]).dispose();
      }`;
    if (!linux) return;
    const lines = outputOf(program).split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      const [told, share] = line.split(' ');
      expect(told).toBe('OUT_OF_MEMORY');
      // Less where a container has less than the machine.
      expect(Number(share)).toBeLessThan(1.15);
    }
  });

  it('is told to the V8 of the thread that took it alone', () => {
    const worker = `
      import { parentPort } from 'node:worker_threads';
      import * as lt from ${JSON.stringify(index)};
      const empty = lt.zeros([1]);
      const before = lt.memory();
      const held = lt.zeros([4 * 2 ** 20]);
      parentPort.postMessage([before.bytes, before.reportedBytes, lt.memory().reportedBytes]);`;
    const program = `
      import { Worker } from 'node:worker_threads';
      import * as lt from ${JSON.stringify(index)};
      const held = lt.zeros([16 * 2 ** 20]);
      const worker = new Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(worker)}`)}));
      worker.on('message', (told) => {
        lt.zeros([1]);
        console.log(JSON.stringify([...told, lt.memory().reportedBytes].map((bytes) => Math.round(bytes / 2 ** 20))));
      });`;
    expect(JSON.parse(outputOf(program))).toEqual([64, 0, 16, 64]);
  });

  it('of a thread goes with the thread, also where it is ended amidst its work', async () => {
    const program = `
      import { parentPort } from 'node:worker_threads';
      import * as lt from ${JSON.stringify(index)};
      const x = lt.randn([64, 64]);
      parentPort.postMessage(x.numel);
      for (;;) lt.scope(() => x.matmul(x).sum().item());`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), {
      env: process.env,
    });
    const [told] = await Promise.all([
      new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      }),
      setImmediate(),
    ]);
    expect(told).toBe(4096);
    expect(lt.scope(() => lt.ones([3]).sum().item())).toBe(3);
    await worker.terminate();
    expect(lt.scope(() => lt.ones([4]).sum().item())).toBe(4);
  });

  it('that is held does not keep a process from ending', () => {
    const program = `import * as lt from ${JSON.stringify(index)};
      const x = lt.randn([16, 16], { requiresGrad: true }); x.matmul(x).sum().backward(); console.log(x.grad.numel);`;
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: '256' });
  });
});
