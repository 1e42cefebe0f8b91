"""Sphinx configuration."""

from fingerprint.version import __version__

project = "copyprint"
author = "The copyprint developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_ivar = True  # attributes of several classes have the same names, which references could not tell apart
