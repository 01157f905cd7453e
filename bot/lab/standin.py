"""A site's command on a lab Dom0's PATH: asks the world, and ends as the world says.

Run as a script, with nothing imported but the standard library, so that it starts fast:
``standin.py SOCKET WORDS…``.  The site kills what this process stands for when it dies.
"""

import os
import socket
import sys


def main(path: str, words: list[str]) -> int:
    """Send *words*, copy what comes to the right stream, return the exit code."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(path)
        request = "\0".join([str(os.getpid()), str(os.getppid()), *words])
        payload = request.encode("utf-8", "surrogateescape")
        wire.sendall(len(payload).to_bytes(4, "big") + payload)
        with wire.makefile("rb") as answers:
            while head := answers.read(5):
                body = answers.read(int.from_bytes(head[1:], "big"))
                if head[:1] == b"x":
                    return int(body)
                os.write(1 if head[:1] == b"o" else 2, body)
    return 255


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
