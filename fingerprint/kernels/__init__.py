"""Numba kernels: pure loops over validated arrays; the only modules that import numba."""
