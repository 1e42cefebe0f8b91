"""Numbers of pages that look measured and are not, or that no run is kept of: page, words, and why."""

_PYTHON = "a version of Python"
_LIMIT = "a limit on what a picture or a list may cost"
_LARGER = "a limit on what compressed data may become"
_LAYOUT = "the layout of an array"
_PART = "from this size on a collection is divided among workers"
_THRESHOLD = "a threshold of the challenge's measures"

ALLOWED: dict[str, dict[str, str]] = {
    "README.md": {"3.11": _PYTHON},
    "CHANGELOG.md": {
        **dict.fromkeys(("3.11", "3.12", "3.13"), _PYTHON),
        **dict.fromkeys(("128 MiB", "2 GiB", "1 MiB"), _LIMIT),
        "8 bytes": _LAYOUT,
        "4 GiB": _PART,
    },
    "benchmarks/README.md": {
        "0.35": "a setting of the recipes",
        "800 times": "follows from how synthetic references are made",
    },
    "docs/explanation/collection-on-disk.md": {"8 bytes": _LAYOUT},
    "docs/explanation/exact-or-annoy.md": {
        "16 MiB": "the size of a buffer",
        "4 GB": "memory to have free, more than any run took",
    },
    "docs/explanation/how-it-works.md": {"14 bytes": _LAYOUT, "0.5": "the least weight of a reason"},
    "docs/explanation/perceptual-hashes.md": {
        "2 %": "arithmetic: 34 rows for 33.375",
        "33.375": "arithmetic: an eighth of 267 rows",
    },
    "docs/howto/cluster.md": {"4 GiB": _PART, "128 GB": "the machines of a computed example"},
    "docs/howto/compare-methods.md": {"0.725": "from the paper of SSCD"},
    "docs/howto/install.md": {"3.11": _PYTHON, "3.12": _PYTHON, "3.13": _PYTHON, "4.10": "a version of OpenCV"},
    "docs/howto/large-collection.md": {"256 KiB": "from this size on arrays are mapped"},
    "docs/howto/learned-descriptors.md": {"200 times": _LARGER},
    "docs/howto/look-at-results.md": {"80 MB": "the size of a page that is aimed at"},
    "docs/howto/run-the-challenge.md": {"8 GB": "memory to have free", "0.725": "from the paper of SSCD"},
    "docs/reference/challenge-files.md": {"0.9": _THRESHOLD, "200 times": _LARGER},
    "docs/reference/cli.md": {
        "0.5": "the probability from which on a query is a copy",
        "0.95": "the probability from which on a source is sure",
        "80 MB": "the size of a page that is aimed at",
        "0.9": _THRESHOLD,
        **dict.fromkeys(("180 million", "1 GiB", "30 seconds", "850 MB", "128 MiB", "33 million"), _LIMIT),
    },
}
