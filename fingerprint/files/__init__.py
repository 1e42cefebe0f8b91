"""Files and their names: written whole or not at all, damaged ones named, lists of lines, locks."""
