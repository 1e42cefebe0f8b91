"""The version of the distribution; also written into every model, manifest and result file."""

__version__ = "0.1.0"
