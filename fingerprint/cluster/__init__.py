"""Clusters: the same work on many machines, by Dask. Needs the extra ``copyprint[distributed]``."""

from fingerprint.cluster.connecting import connect, log_from

__all__ = ["connect", "log_from"]
