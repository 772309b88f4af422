"""Draws the picture in the README from a real run: `python docs/picture.py` writes `assets/terminal.svg`.

The commands run in a pseudo-terminal, in a folder made for it. What they print, bars and colours included, is
followed like a terminal would. The picture is taken while the last of them is at work, to show its bars.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import random
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

TARGET = Path(__file__).resolve().parent / "assets" / "terminal.svg"
COLUMNS, ROWS = 96, 40
COMMANDS = (
    "skycap copy photos backup",
    "skycap check photos backup",
    "skycap sync --dry-run album backup",
    "skycap copy --limit-rate 8MiB photos second-backup",
)
MOMENT = 0.6
"""When the picture is taken: this far into the last command."""
_CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\r\n|\r|\n)|\x1b[\]=>][^\x07\x1b]*\x07?")


def main() -> None:
    """Run the commands and draw them."""
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder))
        screens = [_run(command, folder) for command in COMMANDS]
    shown = [
        f"\x1b[1;32m$\x1b[0m \x1b[1m{command}\x1b[0m\n{_screen(frames, moment)}\n"
        for command, frames, moment in zip(COMMANDS, screens, [1, 1, 1, MOMENT], strict=True)
    ]
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for text in shown:
        console.print(Text.from_ansi(text), end="")
    picture = console.export_svg(title="skycap", unique_id="skycap")
    # The picture fetches nothing: the reader's own fixed-width font will do.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(picture.replace("Fira Code", "ui-monospace, Menlo, Consolas"), encoding="utf-8")


def _prepare(folder: Path) -> None:
    dice = random.Random(7)
    for album, names in {
        "photos": ("beach", "dunes", "harbour", "lighthouse"),
        "album": ("beach", "dunes"),
    }.items():
        (folder / album).mkdir()
        for name in names:
            (folder / album / f"{name}.jpg").write_bytes(
                random.Random(name).randbytes(dice.randrange(2, 9) << 20)
            )


def _run(command: str, folder: str) -> list[tuple[float, bytes]]:
    """What a command wrote to its terminal, piece by piece, each with its moment in seconds."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": folder,
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "SKYCAP_CONFIG": os.devnull,
        "SKYCAP_STATE": f"{folder}/.state",
    }
    process = subprocess.Popen(
        command.split(), cwd=folder, env=environment, stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    frames = []
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the other end is closed: the program has ended
            break
        if not piece:
            break
        frames.append((time.monotonic(), piece))
    os.close(leader)
    if process.wait():
        sys.exit(f"{command} failed:\n{b''.join(piece for _, piece in frames).decode()}")
    return frames


def _screen(frames: list[tuple[float, bytes]], moment: float) -> str:
    """What stands on the terminal at a moment between 0 and 1.

    Follows carriage returns, cursor-up and erasures; colours stay in the lines as they came.
    """
    begin, end = frames[0][0], frames[-1][0]
    seen = [piece for at, piece in frames if at <= begin + moment * (end - begin)]
    printed = b"".join(seen).decode(errors="ignore")
    lines, row, position = [""], 0, 0
    for found in _CONTROL.finditer(printed + "\r"):
        before = printed[position : found.start()]
        position = found.end()
        lines[row] += before
        arguments, letter, newline = found.groups()
        if newline in {"\r\n", "\n"}:
            row += 1
            if row == len(lines):
                lines.append("")
        elif newline == "\r" and position < len(printed):
            if not printed.startswith("\x1b[", position):  # what follows overwrites the line
                lines[row] = ""
        elif letter == "A":
            row = max(0, row - int(arguments or 1))
        elif letter == "K":
            lines[row] = ""
        elif letter == "m":
            lines[row] += found.group()
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    main()
