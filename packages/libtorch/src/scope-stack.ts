/** The scopes that are open, the innermost last; what is made goes into that one. */
import type { Tensor } from './tensor.ts';

const open: Set<Tensor>[] = [];
let onOutermost: (tensor: Tensor) => void = () => undefined;

/** Says what becomes of tensors that are in no scope. */
export function whenInNoScope(told: (tensor: Tensor) => void): void {
  onOutermost = told;
}

/** Puts a tensor that was just made into the innermost scope. */
export function enterScope(tensor: Tensor): void {
  const innermost = open.at(-1);
  if (innermost) innermost.add(tensor);
  else onOutermost(tensor);
}

/** Takes a tensor out of the scope that it is in. */
export function leaveScopes(tensor: Tensor): void {
  for (const scope of open) if (scope.delete(tensor)) onOutermost(tensor);
}

/** Opens a scope; returns whether it is the outermost. */
export function openScope(): boolean {
  return open.push(new Set()) === 1;
}

/** Ends the innermost scope and returns what is in it. */
export function closeScope(): Set<Tensor> {
  return open.pop()!;
}
