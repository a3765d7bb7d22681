"""Pre-trains networks on shards of (frame, relative depth): reads what ``BuildShards`` wrote and nothing else of it.

The way of the data, a file a step: ``shards`` opens a dataset, ``shard_order`` says in which order an epoch takes its
samples, ``shard_reader`` and ``shard_cache`` fetch their bytes, ``sample`` takes them apart, ``decode`` and ``png`` and
``label_resize`` make arrays of them, ``loader`` makes batches, ``input`` augments these on the device.
"""
