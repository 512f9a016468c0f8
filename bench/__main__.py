"""`python -m bench`: all benchmarks, one JSON object each."""

from bench import (
    api,
    dashboards,
    decoders,
    desk,
    desk_pages,
    end_to_end,
    foresight,
    hostile,
    judging,
    refunds,
    search,
    window_edge,
)

BENCHMARKS = (
    decoders.main,
    end_to_end.main,
    judging.main,
    refunds.main,
    window_edge.main,
    desk.main,
    search.main,
    desk_pages.main,
    dashboards.main,
    api.main,
    foresight.main,
    hostile.main,
)

if __name__ == "__main__":
    for benchmark in BENCHMARKS:
        benchmark()
