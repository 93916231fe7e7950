/** Setting LibTorch up on this machine. */
export { LibTorchError, type LibTorchErrorCode } from '../errors.ts';
export { hasGpuDriver } from '../gpu-driver.ts';
export { buildsFolder, type Build } from '../location.ts';
export type { Compiler } from './compiler.ts';
export type { LibTorch } from './find-libtorch.ts';
export type { Python } from './python-environment.ts';
export { programOnPath, type Environment } from './run-program.ts';
export { setupLibTorch, type ReadyBuild, type SetupOptions } from './setup.ts';
export { addonState, libtorchState, type BuildState, type LibTorchState, type Looked } from './state.ts';
