"""Files of vectors with their ids, of any model: ``.npz``, ``.csv`` and the challenge's HDF5."""

from fingerprint.vectorfiles.files import ENDINGS, is_hdf5, is_vector_file, read_vectors, write_vectors
from fingerprint.vectorfiles.values import MAX_DIMENSION, VectorSet, check_model_id

__all__ = [
    "ENDINGS",
    "MAX_DIMENSION",
    "VectorSet",
    "check_model_id",
    "is_hdf5",
    "is_vector_file",
    "read_vectors",
    "write_vectors",
]
