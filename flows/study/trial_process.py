"""Trials in a process of its own, since TensorFlow keeps some memory of every network.

`python -m flows.study.trial_process`: each line on standard input is a trial, a JSON object with the arguments of
`study_trial`, the `kind` of its study (`sweep`), and the study's flow run, `parent`; each line on standard output is
its answer, `{"problem": null}` or what went wrong in one paragraph. The end of the input ends the process, in the
middle of a trial too: then whoever asked is gone.
"""

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any

from flows import commands, interrupts

END_SECONDS = 15.0  # from the end of the input to that of the process


def main() -> int:
    """Exit codes as those of `graft run`."""
    answers = _answers()
    # Started by a shell's background job it would be deaf to SIGINT; here that signal only comes from the study.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    commands.quiet_libraries(verbose=False)
    try:
        with interrupts.listening():
            for asked in _asked():
                answers.write(json.dumps({"problem": _problem(asked)}) + "\n")
    except KeyboardInterrupt:
        return commands.EXIT_CODES["cancelled"]
    return 0


def _answers() -> IO[str]:
    """Standard output, kept for the answers: what anybody else prints goes to standard error."""
    kept = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return kept


def _asked() -> Iterator[dict[str, Any]]:
    """The trials, one after another, until the input ends."""
    waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    under_way = threading.Event()

    def read() -> None:
        for line in sys.stdin:
            waiting.put(line)
        waiting.put(None)
        # Whatever does not hear the signal, or was just about to begin, has no longer than this.
        last = threading.Timer(END_SECONDS, os._exit, (commands.EXIT_CODES["cancelled"],))
        last.daemon = True
        last.start()
        if under_way.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=read, name="trials", daemon=True).start()
    while (line := waiting.get()) is not None:
        under_way.set()
        yield json.loads(line)
        under_way.clear()


def _problem(asked: dict[str, Any]) -> str | None:
    """Run a trial; what went wrong, or None."""
    from prefect import tags

    from flows.study.subflows import run_under
    from flows.study.trial_flow import study_trial

    kind, parent = asked.pop("kind", "study"), asked.pop("parent", None)
    try:
        with tags("graft", f"{kind}: {asked['study']}"):
            if parent:
                run_under(parent, study_trial, asked)
            else:
                study_trial(**asked)
    except Exception as problem:
        if interrupts.heard():
            raise KeyboardInterrupt from problem
        return commands.paragraph(problem)
    return None


if __name__ == "__main__":
    sys.exit(main())
