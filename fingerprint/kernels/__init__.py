"""Numba kernels: pure loops over validated arrays, and the compiler; the only modules that import numba."""
