"""Many predictions at a time: which are in flight, in which order results come, what is on disk.

`window` knows threads and futures, `journal` knows SQLite, `runner` brings both together with
predictions. How a single prediction is created or waited for is not known here.
"""
