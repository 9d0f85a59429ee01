"""Many predictions at a time: which are in flight, in which order results come, what is on disk.

`window` knows threads, `sqlite_file` SQLite, `journal` what stands in its rows, and
`lost_requests` what to make of those whose program was killed. `runner` brings a window together
with predictions; `recorded_runs` and `single_run` do so with a journal. How a single prediction is
created or waited for is not known here.
"""
