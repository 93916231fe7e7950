import { existsSync } from 'node:fs';

/** Whether there is a driver of NVIDIA's GPUs; without one, loading CUDA's half of LibTorch is half a gigabyte for nothing. */
export function hasGpuDriver(): boolean {
  return ['/dev/nvidiactl', '/dev/nvidia0', '/dev/dxg'].some((path) => existsSync(path));
}
