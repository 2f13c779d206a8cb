"""Run ffmpeg on untrusted files.

Every call has limits of time, memory and output, where the system can set them. It gets no environment and so no
secret. It opens the local file alone, and only in containers that hold their own data.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from svp_dagster.errors import Code, PlainCode, SvpError, failure

CONTAINERS = "mov,matroska,avi,mpegts,mp3,aac,ogg,wav,flac"
"""Demuxers that may open a file. Playlists and scripts (hls, concat, dash …) are missing on purpose."""

MEMORY_BYTES = 3 * 1024**3
"""Address space of one ffmpeg process: a 4K film decoded by 16 threads, the most it takes, asks for 1.8 GB."""

OUTPUT_BYTES = 1024**3
"""Size of one file that ffmpeg may write, its log included."""

MAX_PIXELS = 8192 * 4352
"""Largest picture that is decoded, 8K: a header may claim any size."""

MAX_BLOCK_BYTES = 512 * 1024**2
"""Most that one allocation may ask for: an 8K picture of four channels of 16 bits takes 285 MB."""

# Source: libavutil/imgutils.c, av_image_check_size2.
_TOO_MANY_PIXELS = re.compile(r"Picture size (\d+)x(\d+) (?:is invalid|exceeds)")

Stream = Any
"""A stream of ffmpeg-python, which has no types."""


@dataclass(frozen=True)
class Output:
    """The output of an ffmpeg process that succeeded."""

    stdout: bytes
    log: str


def source(path: Path, *, containers: str = CONTAINERS, **options: str | int | float) -> Stream:
    """Return the input for a file that may be hostile; `options` are ffmpeg's input options."""
    import ffmpeg

    return ffmpeg.input(
        f"file:{path}",
        protocol_whitelist="file",
        format_whitelist=containers,
        max_pixels=MAX_PIXELS,
        **options,
    )


def joined(sounds: Sequence[Stream]) -> Stream:
    """Concatenate sounds into one stream."""
    import ffmpeg

    return sounds[0] if len(sounds) == 1 else ffmpeg.concat(*sounds, v=0, a=1)


def sink(*streams: Stream, to: str = "pipe:", **options: str | int | float) -> Stream:
    """Return the output of `streams` to standard output or to the file `to`; `options` are ffmpeg's output options."""
    import ffmpeg

    return ffmpeg.output(*streams, to, **options)


def run(
    stream: Stream,
    *,
    limit_s: float,
    on_error: PlainCode,
    loglevel: str = "error",
    memory_bytes: int = MEMORY_BYTES,
) -> Output:
    """Run to the end. A process that fails or takes longer than `limit_s` raises the failure `on_error`."""
    with running(stream, limit_s=limit_s, on_error=on_error, loglevel=loglevel, memory_bytes=memory_bytes) as process:
        return Output(stdout=process.stdout.read(), log=process.log())


@dataclass(frozen=True)
class Process:
    """A running ffmpeg."""

    child: subprocess.Popen[bytes]
    log_file: IO[bytes]

    @property
    def stdout(self) -> IO[bytes]:
        """Its standard output."""
        assert self.child.stdout is not None
        return self.child.stdout

    def log(self) -> str:
        """Wait for its end and return its log. Call this after all output was read."""
        self.child.wait()
        self.log_file.seek(0)
        return self.log_file.read().decode("utf-8", "replace")


@contextmanager
def running(
    stream: Stream,
    *,
    limit_s: float,
    on_error: PlainCode,
    loglevel: str = "error",
    memory_bytes: int = MEMORY_BYTES,
) -> Iterator[Process]:
    """Run while the caller reads its output; it is killed when the block ends early or after `limit_s`.

    A block that reads to the end raises `on_error` if the process failed. A block that is left by `GeneratorExit` or
    another exception just kills it.
    """
    command = _command(stream, loglevel)
    with tempfile.TemporaryFile() as log_file:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log_file,
            start_new_session=True,
            env={},
        ) as child:
            set_limits(child.pid, memory_bytes)
            late = threading.Event()
            timer = threading.Timer(limit_s, _stop, args=(child, late))
            timer.start()
            process = Process(child=child, log_file=log_file)
            try:
                yield process
                code = child.wait()
            finally:
                timer.cancel()
                _stop(child)
        if late.is_set():
            raise failure(on_error, detail=f"ffmpeg took longer than {limit_s:.0f} s")
        if code != 0:
            raise log_failure(process.log(), on_error=on_error)


def _command(stream: Stream, loglevel: str) -> list[str]:
    import ffmpeg
    import imageio_ffmpeg

    quiet = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", loglevel)
    settings = stream.global_args(*quiet, "-max_alloc", str(MAX_BLOCK_BYTES))
    return list(ffmpeg.compile(settings, cmd=imageio_ffmpeg.get_ffmpeg_exe(), overwrite_output=True))


def set_limits(pid: int, memory_bytes: int) -> None:
    """Limit the child from outside: `preexec_fn` is unsafe beside threads. Only Linux can."""
    if not hasattr(resource, "prlimit"):
        return
    with suppress(ProcessLookupError, PermissionError):  # it is gone already, or the sandbox around us forbids it
        resource.prlimit(pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))


def _stop(child: subprocess.Popen[bytes], late: threading.Event | None = None) -> None:
    if child.poll() is None:
        if late is not None:
            late.set()
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def log_failure(log: str, *, on_error: PlainCode) -> SvpError:
    """Return the failure behind the log of a process that failed: `on_error` where the log names no other cause."""
    if "No space left on device" in log:
        return failure(Code.STORAGE_FULL, detail="ffmpeg: no space left on device")
    if size := _TOO_MANY_PIXELS.search(log):
        pixels = f"{size[1]} × {size[2]} pixels"
        reason = f"{pixels} large; at most {MAX_PIXELS / 1e6:.0f} million pixels are opened"
        return failure(Code.TOO_LARGE, reason=reason, detail=f"a picture of {pixels}")
    last = [line.strip() for line in log.splitlines() if line.strip()][-3:]
    return failure(on_error, detail=f"ffmpeg failed: {' | '.join(last)}"[:500])
