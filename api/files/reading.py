"""`python -m api.files.reading`: a process of its own that reads one file, which may be hostile, and ends.

The file comes on stdin. On stdout: a line of JSON, then the bytes to keep (none of a PDF, which is kept as it came) and
the thumbnail. Exit code REFUSED with a FileFault on stdout: it is not kept.
"""

import json
import resource
import sys

from domain.files import FileRefused, MediaType, PreparedFile, media_type

REFUSED = 3
MOST_MEMORY = 1 << 30  # bytes of address space, the interpreter included
MOST_CPU_S = 20


def read(content: bytes) -> PreparedFile:
    """Return a file as it is kept, in this process.

    Raises:
        FileRefused: it is not kept.
    """
    media = media_type(content)
    if media is MediaType.PDF:
        from api.files.pdf import inspect  # each parser is loaded for its own files only

        return inspect(content)
    from api.files.images import reencode

    return reencode(content, media)


def main() -> int:
    """Read the file on stdin within the limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        made = read(sys.stdin.buffer.read())
    except FileRefused as refused:
        sys.stdout.write(refused.fault.value)
        return REFUSED
    kept = b"" if made.media_type is MediaType.PDF else made.content
    head = {"media_type": made.media_type, "size": len(kept), "width": made.width, "height": made.height}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + kept + (made.thumbnail or b""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
