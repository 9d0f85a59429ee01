"""Benchmarks: this package beside its peers, on one server on this machine."""
