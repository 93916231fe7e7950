/** Explicit lifetimes: what is made inside is freed at the end, unless it is returned or kept. */
import { native } from './native.ts';
import { closeScope, enterScope, openScope, whenInNoScope } from './scope-stack.ts';
import { registry, Tensor } from './tensor.ts';
import { checkDone, checkWork } from './work.ts';

whenInNoScope((tensor) => registry.register(tensor, tensor.handle, tensor));

/**
 * What `work` returns. Tensors that it makes are freed when it ends, also where it throws; those in what it returns (in lists,
 * sets, maps and objects too) live on in the scope around it, and those of which `keep()` was called live until they are freed
 * or nobody holds them. Throws `BAD_ARGUMENT` where `work` is asynchronous: other work could come in between.
 */
export function scope<T>(work: () => T): T {
  checkWork(work, 'scope');
  const isOutermost = openScope();
  if (isOutermost) native().setScoped(true);
  const returned = new Set<Tensor>();
  let result: T;
  try {
    result = work();
    checkDone(result, 'scope', 'Await outside, and open a scope for each part between two awaits');
    collect(result, returned);
  } catch (error) {
    freed(closeScope(), new Set());
    if (isOutermost) native().setScoped(false);
    throw error;
  }
  freed(closeScope(), returned);
  if (isOutermost) native().setScoped(false);
  return result;
}

/** Frees all of `made` but what is in `returned`, which goes into the scope around. */
function freed(made: ReadonlySet<Tensor>, returned: ReadonlySet<Tensor>): void {
  const handles: number[] = [];
  for (const tensor of made) {
    if (returned.has(tensor)) enterScope(tensor);
    else handles.push(tensor.handle);
  }
  if (handles.length > 0) native().freeAll(handles);
}

/** Adds the tensors in `value` to `found`. */
function collect(value: unknown, found: Set<Tensor>): void {
  const seen = new Set<unknown>();
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== 'object' || next === null || ArrayBuffer.isView(next) || seen.has(next)) continue;
    seen.add(next);
    if (next instanceof Tensor) found.add(next);
    else for (const item of itemsOf(next)) left.push(item);
  }
}

function itemsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value) || value instanceof Set) return value;
  return value instanceof Map ? value.values() : Object.values(value);
}
