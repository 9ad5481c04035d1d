"""Benchmarks: `python -m benchmarks` measures, and writes results.json and docs/performance.md."""
