"""Walk the README as a reader would: every command of its bash blocks, in order, as it stands.

Blocks of another kind, such as `console` for what needs a cluster, are not walked.

Usage: python3 .ci/walk_readme.py, in a clone that may be written to. `make test`, the walk's last
step, is left to the caller. What waits for a reader, or takes longer than a CI job may, is run as
INSTEAD says. The exit status is 1 when a command fails, when something in INSTEAD is not in the
README, or when a file changed or came that no command names.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

INSTEAD = {
    "make serve": "make serve PORT=18231",  # 8000 may be taken
    "make lab": "make lab OPTIONS='--no-browser --allow-root'",
    "n_seeds=8": "n_seeds=2",
    "n_seeds 8": "n_seeds 2",
    "run 02_two_stages --profile paper": "run 10_toy --profile quick",
    "--seeds 0:20": "--seeds 0:2",
    "record copy_first_steps": "record copy_first_steps --seeds 0:1 --conditions shared",
}
LAST = "make test"
SERVERS = ("make serve", "make lab")
PATIENCE = 600  # seconds for a server to answer, its installation included
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/[\w/.?=&-]*")


def read_commands(text):
    """Return the commands of the bash blocks of a Markdown text, without their comments."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [command for line in lines if (command := re.sub(r"(^|\s+)# .*", "", line).strip())]


def plan_walk(commands):
    """Return what is run: the commands with all of INSTEAD in place, without the last step."""
    text = "\n".join(commands)
    unused = [part for part in (LAST, *INSTEAD) if part not in text]
    if unused:
        sys.exit(f"the README does not say {' nor '.join(unused)}: change .ci/walk_readme.py too")
    for part, other in INSTEAD.items():
        text = text.replace(part, other)
    return [command for command in text.split("\n") if command != LAST]


def walk(commands):
    """Run the commands in order, tell what each takes; SystemExit names the first that fails."""
    for command in commands:
        print(f"README: {command}", flush=True)
        start = time.monotonic()
        done = visit(command) if command.startswith(SERVERS) else call(command)
        if not done:
            sys.exit(f"the README's command failed: {command}")
        print(f"README: {time.monotonic() - start:.0f} s", flush=True)


def call(command):
    """Run one command and return whether it came to its end."""
    return subprocess.call(["bash", "-c", command], stdin=subprocess.DEVNULL) == 0


def visit(command):
    """Start a server, fetch the page whose address it prints, stop it; return whether it came."""
    with tempfile.NamedTemporaryFile() as log:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        server = subprocess.Popen(["bash", "-c", command], **pipes, start_new_session=True)
        try:
            end = time.monotonic() + PATIENCE
            while server.poll() is None and time.monotonic() < end:
                if is_answered(Path(log.name).read_text()):
                    return True
                time.sleep(0.2)
            print(Path(log.name).read_text())
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def is_answered(log):
    """Return whether the first address in a server's log shows a page."""
    address = ADDRESS.search(log)
    with contextlib.suppress(OSError):  # refused, or cut off half way
        return bool(address and urlopen(address[0], timeout=30).read())


def check_traces(commands):
    """SystemExit if git sees a changed file, or a new one that no command names."""
    status = ["git", "-c", "core.quotePath=false", "status", "--porcelain", "--untracked-files=all"]
    lines = subprocess.check_output(status, text=True).splitlines()
    named = {word for command in commands for word in command.split()}
    traces = [line for line in lines if not (line.startswith("?? ") and line[3:] in named)]
    if traces:
        sys.exit("the README's commands left what they do not name:\n" + "\n".join(traces))


if __name__ == "__main__":
    commands = plan_walk(read_commands(Path("README.md").read_text(encoding="utf-8")))
    walk(commands)
    check_traces(commands)
