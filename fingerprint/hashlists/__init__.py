"""Lists of perceptual hashes as text: reading those that platforms exchange, and writing our own."""

from fingerprint.hashlists.lists import HashGroup, HashList, MalformedLine
from fingerprint.hashlists.match import ListedPicture, ListMatch, ListMatcher
from fingerprint.hashlists.read import read_hash_list
from fingerprint.hashlists.write import CSV_HEADER, hash_record_csv, hash_record_json, hash_record_text

__all__ = [
    "CSV_HEADER",
    "HashGroup",
    "HashList",
    "ListMatch",
    "ListMatcher",
    "ListedPicture",
    "MalformedLine",
    "hash_record_csv",
    "hash_record_json",
    "hash_record_text",
    "read_hash_list",
]
