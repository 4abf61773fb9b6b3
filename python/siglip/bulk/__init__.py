"""Pictures by the million: shards of any input into Parquet, exactly once, by whatever starts processes.

Needs `pip install "siglip[bulk]"`; the command is `siglip bulk`."""
