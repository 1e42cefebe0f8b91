"""All errors that copyprint raises on purpose.

The tree::

    FingerprintError                    catch this one to catch all
    ├── ImageError (ValueError)         one picture cannot be used; has .path and .reason
    ├── ModelError (ValueError)         a trained model is missing, damaged or of another version
    ├── ConfigError (ValueError)        a setting is out of its range
    ├── ClusterError (RuntimeError)     the cluster cannot be reached, or its workers cannot do the work
    ├── ChallengeFileError (ValueError) a submission, ground-truth or descriptor file breaks the challenge's rules
    ├── BenchBusyError (BlockingIOError) another process is writing this set or these results of the bench
    └── CollectionError                 a collection on disk cannot be used
        ├── CollectionNotFoundError (FileNotFoundError)
        ├── CollectionExistsError (FileExistsError)
        ├── CollectionCorruptError (ValueError)
        ├── CollectionBusyError (BlockingIOError)
        ├── ModelMismatchError (ValueError)  vectors of one model offered to a collection of another
        └── UnknownIdError (KeyError)
"""

from __future__ import annotations


class FingerprintError(Exception):
    """Base of all errors raised by copyprint; the text says what is wrong, with which file or id, and what to do."""


class ImageError(FingerprintError, ValueError):
    """One picture cannot be read or is not fit to be described.

    Parameters
    ----------
    path : str
        The file's path, or a word such as ``"<bytes>"`` for pictures that come from memory.
    reason : str
        What is wrong, in words for the user.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[ImageError], tuple[str, str]]:
        return type(self), (self.path, self.reason)


class ModelError(FingerprintError, ValueError):
    """A trained model is missing, damaged or made for another version."""


class ConfigError(FingerprintError, ValueError):
    """A setting is out of its range."""


class ClusterError(FingerprintError, RuntimeError):
    """The cluster cannot be reached, or its workers cannot do the work."""


class ChallengeFileError(FingerprintError, ValueError):
    """A challenge file (matches, descriptors, ground truth) breaks the challenge's rules."""


class BenchBusyError(FingerprintError, BlockingIOError):
    """Another process is writing this set, or these results, of the bench."""


class CollectionError(FingerprintError):
    """A collection on disk cannot be used."""


class CollectionNotFoundError(CollectionError, FileNotFoundError):
    """There is no collection at this path."""


class CollectionExistsError(CollectionError, FileExistsError):
    """The path for a new collection exists already."""


class CollectionCorruptError(CollectionError, ValueError):
    """A file of the collection is missing, cut short or does not agree with its manifest."""


class CollectionBusyError(CollectionError, BlockingIOError):
    """Another process is writing to the collection."""


class ModelMismatchError(CollectionError, ValueError):
    """Vectors of one model were offered to a collection of another."""


class UnknownIdError(CollectionError, KeyError):
    """An id is not in the collection."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""  # KeyError would print the repr
