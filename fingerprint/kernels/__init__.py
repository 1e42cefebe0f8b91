"""Numba kernels: pure loops over validated arrays; the only place that imports numba."""
