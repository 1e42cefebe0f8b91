"""Clusters: the same work on many machines, by Dask. Needs the extra ``copyprint[distributed]``."""

from fingerprint.cluster.dask_cluster import connect

__all__ = ["connect"]
