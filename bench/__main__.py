"""`python -m bench`: all benchmarks, one JSON object each."""

from bench import end_to_end

BENCHMARKS = (end_to_end.main,)

if __name__ == "__main__":
    for benchmark in BENCHMARKS:
        benchmark()
