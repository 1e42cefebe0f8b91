"""Reading HDF5 files that may be damaged or made to harm, in a process of its own with limits.

HDF5 is a large library of native code. For one changed byte in a file it may crash, never end or take all memory.
"""

from fingerprint.hdf5.process import Hdf5File, open_hdf5

__all__ = ["Hdf5File", "open_hdf5"]
