"""Benchmarks: this package beside what else one would take to call Replicate, on one loopback server."""
