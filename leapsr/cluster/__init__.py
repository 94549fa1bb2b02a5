"""Millions of photos on a cluster, by Ray Data: `leapsr batch`.

A row names one photo, or one archive of photos; pixels never travel between processes but through files. A
worker for each device reads, upscales and writes; its answer is a row that says what became of the photo, so
that an error is a row as well. What is done is remembered in the destination, and a run that was killed goes
on there.
"""
