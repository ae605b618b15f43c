"""A trial in a process of its own, since TensorFlow keeps some memory of every network.

`python -m flows.study.trial_process`: the trial is one JSON object on standard input; standard error is for what went
wrong, in one paragraph.
"""

import json
import sys
from typing import Any

from flows import commands, interrupts


def main() -> int:
    """Exit codes as those of `graft run`."""
    asked: dict[str, Any] = json.load(sys.stdin)
    commands.quiet_libraries(verbose=False)
    with interrupts.listening():
        from prefect import tags

        from flows.study.trial_flow import study_trial

        try:
            with tags("graft", f"study: {asked['study']}"):
                study_trial(**asked)
        except (KeyboardInterrupt, Exception) as problem:
            if isinstance(problem, KeyboardInterrupt) or interrupts.heard():
                return commands.EXIT_CODES["cancelled"]
            print(commands.paragraph(problem), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
