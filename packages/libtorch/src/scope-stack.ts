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

/** How many scopes are open. */
export function openScopes(): number {
  return open.length;
}

export function openScope(): void {
  open.push(new Set());
}

/** Ends all scopes but the outermost `depth`, and returns what is in them. */
export function closeScopes(depth: number): Tensor[] {
  const made: Tensor[] = [];
  for (const scope of open.slice(depth)) for (const tensor of scope) made.push(tensor);
  open.length = Math.min(open.length, depth);
  return made;
}
