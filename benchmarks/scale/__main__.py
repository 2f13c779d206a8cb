"""What an installation carries: `make bench-scale`; each part alone is `python -m benchmarks.scale.runs` and so on.

A part that can't measure here fails the whole, for example where PostgreSQL's programs are missing. Nothing else may be
going on: the parts take all cores, one after the other, for half an hour. The last line is that of all parts:

    runs_per_min=… cpu_s_per_run=… start_p95_s=… tick_1000_s=… lag_10000_s=… wait_3000_s=… growth=… rss_mb=… video_mb=…
"""

from __future__ import annotations

from benchmarks.scale import growth, memory, polling, runs


def main() -> None:
    """Measure all, and print."""
    of_runs = runs.measure()
    print(*of_runs.details, sep="\n", flush=True)
    of_polls = polling.measure()
    print(of_polls.line, flush=True)
    of_past = growth.measure()
    print(*(f"{name}: {ratio:.2f}" for name, ratio in of_past.ratios.items()), sep="\n", flush=True)
    of_memory = memory.measure()
    print(of_runs.line, of_polls.line, of_past.line, of_memory.line)


if __name__ == "__main__":
    main()
