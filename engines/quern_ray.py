"""Runs a trainer on Ray, OpenRLHF or verl, on a job that `quern train --engine openrlhf` or `--engine verl` wrote.

    python3 quern_ray.py ray.json

ray.json holds `module` (what `python3 -m` would run), `arguments` and `keep`. Under `ray job submit` the job's folder is in
QUERN_JOB instead. Told first is the step that the trainer goes on from, as `{"begun": N}`. A file `stop` beside ray.json, or the
end of the process QUERN_OWNER, ends the training without a further checkpoint, as neither trainer writes one when asked.
Standard library only.
"""

import json
import os
import re
import runpy
import shutil
import signal
import sys
import threading
import time

LOOK_EVERY_SECONDS = 1.0
#: How long the trainer has to end once it is asked to.
PATIENCE_SECONDS = 30.0


def begun(folder):
    """The step of the checkpoint that the trainer goes on from, or 0. A first checkpoint of OpenRLHF that was cut off is taken
    away, as it would be loaded without the state of the training.
    """
    states = os.path.join(folder, "checkpoints", "_actor")
    if os.path.isdir(states) and not os.path.exists(os.path.join(states, "latest")):
        shutil.rmtree(states)
    for name in (os.path.join("_actor", "latest"), "latest_checkpointed_iteration.txt"):
        try:
            with open(os.path.join(folder, "checkpoints", name), encoding="utf-8") as file:
                return int(re.search(r"\d+\s*$", file.read()).group())
        except FileNotFoundError:
            continue
        except AttributeError:
            raise SystemExit(f"{os.path.join(folder, 'checkpoints', name)} names no step")
    return 0


def owner_lives():
    """Whether the process that follows this training is there, where one does."""
    try:
        os.kill(int(os.environ.get("QUERN_OWNER") or os.getpid()), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def prune(folder, keep):
    """Takes away all but the last models that OpenRLHF wrote beside its checkpoints, of which it keeps every one."""
    at = os.path.join(folder, "checkpoints")
    names = os.listdir(at) if os.path.isdir(at) else []
    steps = sorted(int(name[11:-3]) for name in names if re.fullmatch(r"global_step\d+_hf", name))
    for step in steps[:-keep]:
        shutil.rmtree(os.path.join(at, f"global_step{step}_hf"), ignore_errors=True)


def watch(folder, keep, asked):
    """Looks whether the training shall end, and has it end."""
    while owner_lives() and not os.path.exists(os.path.join(folder, "stop")):
        prune(folder, keep)
        time.sleep(LOOK_EVERY_SECONDS)
    asked.set()
    # To this thread alone, so that what it waits in is broken off.
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    time.sleep(PATIENCE_SECONDS)
    os._exit(0)


def main():
    if len(sys.argv) > 1:
        folder, name = os.path.split(os.path.abspath(sys.argv[1]))
    else:
        folder, name = os.environ["QUERN_JOB"], "ray.json"
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        job = json.load(file)
    # Whatever was printed last may have been cut off.
    print("\n" + json.dumps({"begun": begun(folder)}), flush=True)
    asked = threading.Event()
    sys.argv = [job["module"], *job["arguments"]]
    try:
        threading.Thread(target=watch, args=(folder, job["keep"], asked), daemon=True).start()
        runpy.run_module(job["module"], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        if not asked.is_set():
            raise
        print("quern: stopped", flush=True)


if __name__ == "__main__":
    main()
